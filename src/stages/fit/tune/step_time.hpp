#pragma once
// What a training step costs: its work beside that of updating everything, and its time here.

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/runtime/profile.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Of a step that updates every tensor.
Result<TrainingWork> full_work(const BaseModel& base, PlanOptions options, int threads);

/// Where N passes make a step, one pass and one update are run and timed apart; a step is N times
/// the one and the other.
struct StepTime {
  double ms = 0;                               // the shortest of three runs, after one to warm up
  std::vector<runtime::OperatorTime> profile;  // of one more
  double profiled_ms = 0;                      // that one, as a whole
  /// What that step takes beside its nodes, as a share of it: the loop itself, and looking at the
  /// time before and after each node.
  double overhead() const;
};

/// On inputs of zeros.
Result<StepTime> time_step(const BaseModel& base, const TrainingPlan& plan, ThreadPool& pool,
                           const Clock& clock);

}  // namespace verge::fit
