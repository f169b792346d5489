#pragma once
// Options by which training gives way to battery, heat and other work.

#include <functional>

#include <verge/cli/parser.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/result.hpp>
#include <verge/engine/runtime/governor.hpp>

namespace verge::cli {

class GovernorOptions {
 public:
  /// --min-battery, --warm, --hot, --busy-load.
  void declare(Parser& parser);
  /// Null where nothing is asked for. Fails with InvalidArgument for limits that make no sense.
  Result<runtime::Governor> governor() const;

 private:
  double min_battery_ = 0, warm_ = 0, hot_ = 0, busy_load_ = 1;
};

/// What the machine's sensors say, for a TrainingLoop.
std::function<runtime::Telemetry()> machine_telemetry(const Clock& clock);

}  // namespace verge::cli
