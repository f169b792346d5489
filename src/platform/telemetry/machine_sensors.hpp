#pragma once
// MachineSensors: what Linux tells of this machine's battery, heat and load, for work that gives
// way to them. For one thread.
//
//   MachineSensors sensors;
//   if (auto reading = sensors.read(); reading.battery) ...

#include <cstdint>
#include <optional>
#include <string>

namespace verge::telemetry {

/// Nothing for what has no sensor.
struct MachineReading {
  std::optional<double> battery =
      {};  // the least charge from 0 to 1; nothing while fed from outside
  std::optional<double> celsius = {};  // of the hottest zone
  /// Share of the processors' time that other processes took since the reading before.
  std::optional<double> load = {};
};

class MachineSensors {
 public:
  /// `root`: where sys/class/power_supply, sys/class/thermal and proc lie; for tests.
  explicit MachineSensors(std::string root = "/") : root_(std::move(root)) {}

  /// What cannot be read or makes no sense is nothing.
  MachineReading read();

 private:
  struct Ticks {
    uint64_t all = 0, idle = 0, own = 0;
  };
  std::optional<double> battery() const;
  std::optional<double> hottest() const;
  std::optional<Ticks> ticks() const;
  std::optional<double> load_since();

  std::string root_;
  std::optional<Ticks> before_;
};

}  // namespace verge::telemetry
