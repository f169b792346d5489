#pragma once
// What a training step costs: its work beside that of updating everything, and its time here.

#include <verge/core/clock.hpp>
#include <verge/core/threads.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Of a step that updates every tensor.
Result<TrainingWork> full_work(const BaseModel& base, PlanOptions options, int threads);

/// The shortest of three steps on inputs of zeros, after one that warms up, in milliseconds.
Result<double> step_ms(const BaseModel& base, const TrainingPlan& plan, ThreadPool& pool,
                       const Clock& clock);

}  // namespace verge::fit
