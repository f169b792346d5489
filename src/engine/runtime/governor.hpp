#pragma once
// Governor: whether and how fast training may go on, by what the machine says of itself. A pure
// function with explicit state, its own last decision; the loop asks it between steps.

#include <functional>
#include <limits>
#include <optional>

namespace verge::runtime {

/// What is known of the machine at a moment; nothing for what has no sensor.
struct Telemetry {
  double time_s = 0;
  std::optional<double> battery = {};  // charge from 0 to 1; nothing while it is fed from outside
  std::optional<double> celsius = {};  // of the hottest part
  std::optional<double> load = {};     // share of the cores that others use
};

struct Pace {
  bool is_paused = false;
  double share = 1;  // of the time that steps may take; in the rest the loop waits
};

using Governor = std::function<Pace(const Telemetry& now, const Pace& before)>;

struct GovernorLimits {
  double min_battery = 0;  // pauses below, and goes on with 5 % of the charge more
  /// From warm to hot the pace falls to a quarter; when hot it pauses until warm again.
  double warm_celsius = std::numeric_limits<double>::infinity();
  double hot_celsius = std::numeric_limits<double>::infinity();
  double busy_load = 1;  // beyond this load of others half the pace
};

/// The decision by fixed limits.
Pace keep_limits(const GovernorLimits& limits, const Telemetry& now, const Pace& before);

}  // namespace verge::runtime
