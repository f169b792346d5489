#include <cctype>
#include <charconv>

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

Result<int64_t> parse_bytes(std::string_view text) {
  constexpr std::string_view kUnits = "BKMGT";
  const auto refuse = [&] {
    return make_error(Code::InvalidArgument,
                      "{} is no size; give a number of bytes, or one like 512M or 1.5GiB", text);
  };
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit;
  for (const char* at = end; at != text.data() + text.size(); ++at) {
    if (*at != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*at)));
  }
  if (unit.empty()) unit.push_back('B');
  const size_t power = kUnits.find(unit[0]);
  const std::string rest = unit.substr(1);
  const bool is_unit = power != std::string_view::npos &&
                       (rest.empty() || (power > 0 && (rest == "B" || rest == "IB")));
  if (error != std::errc() || !is_unit) return refuse();
  for (size_t i = 0; i < power; ++i) value *= 1024;
  if (!(value >= 0 && value < 0x1p62)) return refuse();
  return static_cast<int64_t>(value);
}

}  // namespace verge
