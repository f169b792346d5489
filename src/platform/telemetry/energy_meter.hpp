#pragma once
// EnergyMeter: what the processors of this machine use, as Linux' powercap tells it (RAPL): all of
// the machine's work, not one process'. For one thread.
//
//   if (auto meter = EnergyMeter::open()) before = meter->joules();

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::telemetry {

class EnergyMeter {
 public:
  /// Nothing where the machine has no counters, or they may not be read. `root`: for tests.
  static std::optional<EnergyMeter> open(const std::string& root = "/sys/class/powercap");

  /// Since open(), of all processor packages. A counter that began again at 0 is followed if it is
  /// read once a round at least, which takes minutes. Fails as files do.
  Result<double> joules();

 private:
  struct Package {
    std::string path;  // of its counter
    uint64_t range_uj = 0;
    uint64_t last_uj = 0;
  };
  std::vector<Package> packages_;
  uint64_t used_uj_ = 0;
};

}  // namespace verge::telemetry
