#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <verge/platform/telemetry/machine_sensors.hpp>

namespace verge::telemetry {
namespace {

namespace fs = std::filesystem;

constexpr std::streamsize kMostBytesOfSensor = 1 << 16;
constexpr double kColdest = -100, kHottest = 200;  // degrees that a working sensor tells

/// The beginning of the file without the end of its last line; empty where it cannot be read. Files
/// of proc tell no size: they are read to their end.
std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::string text(kMostBytesOfSensor, '\0');
  file.read(text.data(), kMostBytesOfSensor);
  text.resize(static_cast<size_t>(file.gcount()));
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

std::optional<int64_t> number_of(const std::string& text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<double> MachineSensors::battery() const {
  std::optional<double> least;
  std::error_code absent;
  for (const auto& supply :
       fs::directory_iterator(fs::path(root_) / "sys/class/power_supply", absent)) {
    const std::string type = text_of(supply.path() / "type");
    if (type != "Battery") {
      if (text_of(supply.path() / "online") == "1") return std::nullopt;
      continue;
    }
    if (text_of(supply.path() / "scope") == "Device") continue;  // a mouse's
    const auto percent = number_of(text_of(supply.path() / "capacity"));
    const bool is_used = text_of(supply.path() / "status") == "Discharging";
    if (!is_used || !percent || *percent < 0 || *percent > 100) continue;
    const double charge = static_cast<double>(*percent) / 100;
    least = std::min(least.value_or(1), charge);
  }
  return least;
}

std::optional<double> MachineSensors::hottest() const {
  std::optional<double> hottest;
  std::error_code absent;
  for (const auto& zone : fs::directory_iterator(fs::path(root_) / "sys/class/thermal", absent)) {
    if (!zone.path().filename().string().starts_with("thermal_zone")) continue;
    const auto thousandths = number_of(text_of(zone.path() / "temp"));
    if (!thousandths) continue;
    const double celsius = static_cast<double>(*thousandths) / 1000;
    if (celsius < kColdest || celsius > kHottest) continue;
    hottest = std::max(hottest.value_or(celsius), celsius);
  }
  return hottest;
}

// The first line of proc/stat: "cpu user nice system idle iowait irq softirq steal ..."; of
// proc/self/stat, behind the name in brackets: state, then numbers, of which 12 and 13 are time.
std::optional<MachineSensors::Ticks> MachineSensors::ticks() const {
  std::istringstream all(text_of(fs::path(root_) / "proc/stat"));
  std::string word;
  Ticks ticks;
  if (!(all >> word) || word != "cpu") return std::nullopt;
  uint64_t part = 0;
  for (int i = 0; i < 8 && all >> part; ++i) {
    ticks.all += part;
    if (i == 3 || i == 4) ticks.idle += part;
  }
  const std::string self = text_of(fs::path(root_) / "proc/self/stat");
  const size_t end = self.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream own(self.substr(end + 1));
  for (int i = 0; i < 11; ++i) own >> word;
  uint64_t user = 0, system = 0;
  if (!(own >> user >> system)) return std::nullopt;
  ticks.own = user + system;
  return ticks;
}

std::optional<double> MachineSensors::load_since() {
  const std::optional<Ticks> now = ticks();
  const std::optional<Ticks> before = std::exchange(before_, now);
  if (!now || !before || now->all <= before->all) return std::nullopt;
  const auto grown = [](uint64_t from, uint64_t to) {
    return static_cast<double>(to) - static_cast<double>(from);
  };
  const double all = grown(before->all, now->all);
  const double others = all - grown(before->idle, now->idle) - grown(before->own, now->own);
  return std::clamp(others / all, 0.0, 1.0);
}

MachineReading MachineSensors::read() {
  return {.battery = battery(), .celsius = hottest(), .load = load_since()};
}

}  // namespace verge::telemetry
