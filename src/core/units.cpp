#include <fmt/format.h>

#include <verge/core/units.hpp>

namespace verge {
namespace {

std::string scaled(int64_t number, double step, const char* const (&units)[5]) {
  auto value = static_cast<double>(number);
  size_t unit = 0;
  while (value >= step && unit + 1 < 5) {
    value /= step;
    ++unit;
  }
  // Four digits say enough, and a plan's arena differs from its bound in the third.
  const std::string text = unit == 0 ? fmt::format("{}", number) : fmt::format("{:.4g}", value);
  return *units[unit] == '\0' ? text : text + " " + units[unit];
}

}  // namespace

std::string show_bytes(int64_t bytes) {
  return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string show_count(int64_t count) {
  return scaled(count, 1000, {"", "K", "M", "B", "T"});
}

}  // namespace verge
