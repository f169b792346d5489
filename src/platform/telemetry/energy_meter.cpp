#include <charconv>
#include <filesystem>

#include <verge/core/file.hpp>
#include <verge/platform/telemetry/energy_meter.hpp>

namespace verge::telemetry {
namespace {

constexpr size_t kMostBytes = 1 << 16;  // sysfs says 4096 of any file

Result<uint64_t> read_number(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostBytes));
  uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc() && end != text.data()) return number;
  return make_error(Code::Malformed, "{}: no number of microjoules", path);
}

// "intel-rapl:0" is a package, "intel-rapl:0:1" a part of one.
bool is_package(const std::string& zone) {
  const size_t colon = zone.find(':');
  return colon != std::string::npos && zone.find(':', colon + 1) == std::string::npos;
}

}  // namespace

std::optional<EnergyMeter> EnergyMeter::open(const std::string& root) {
  EnergyMeter meter;
  std::error_code absent;
  for (const auto& zone : std::filesystem::directory_iterator(root, absent)) {
    if (!is_package(zone.path().filename().string())) continue;
    Package package{.path = (zone.path() / "energy_uj").string()};
    const auto now = read_number(package.path);
    const auto range = read_number((zone.path() / "max_energy_range_uj").string());
    if (!now || !range) continue;
    package.last_uj = *now;
    package.range_uj = *range;
    meter.packages_.push_back(std::move(package));
  }
  if (meter.packages_.empty()) return std::nullopt;
  return meter;
}

Result<double> EnergyMeter::joules() {
  for (Package& package : packages_) {
    VERGE_TRY(const uint64_t now_uj, read_number(package.path));
    const uint64_t round_uj = now_uj < package.last_uj ? package.range_uj : 0;
    used_uj_ += now_uj + round_uj - package.last_uj;
    package.last_uj = now_uj;
  }
  return static_cast<double>(used_uj_) * 1e-6;
}

}  // namespace verge::telemetry
