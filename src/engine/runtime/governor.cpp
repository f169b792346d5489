#include <algorithm>

#include <verge/engine/runtime/governor.hpp>

namespace verge::runtime {
namespace {

constexpr double kChargeToGoOn = 0.05;
constexpr double kSlowest = 0.25;
constexpr double kBusyShare = 0.5;

bool must_pause(const GovernorLimits& limits, const Telemetry& now, bool was_paused) {
  const double charge = limits.min_battery + (was_paused ? kChargeToGoOn : 0);
  if (limits.min_battery > 0 && now.battery && *now.battery < charge) return true;
  return now.celsius && *now.celsius >= (was_paused ? limits.warm_celsius : limits.hot_celsius);
}

double share_when_warm(const GovernorLimits& limits, double celsius) {
  if (celsius <= limits.warm_celsius) return 1;
  const double way = (celsius - limits.warm_celsius) / (limits.hot_celsius - limits.warm_celsius);
  return 1 - (1 - kSlowest) * std::clamp(way, 0.0, 1.0);
}

}  // namespace

Pace keep_limits(const GovernorLimits& limits, const Telemetry& now, const Pace& before) {
  Pace pace{.is_paused = must_pause(limits, now, before.is_paused)};
  if (now.celsius) pace.share = share_when_warm(limits, *now.celsius);
  if (now.load && *now.load > limits.busy_load) pace.share = std::min(pace.share, kBusyShare);
  return pace;
}

}  // namespace verge::runtime
