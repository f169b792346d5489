#pragma once
// A training step below a memory budget: first frozen weights, as few as must be, are read as they
// lie in the file instead of copied for their kernels; then values of the forward pass are computed
// twice (graph/recompute.hpp); then kernels run in ways that take less, by rule or directly.

#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Parts of a plan that can be left out by name as passes can (PlanOptions::disabled_passes).
inline constexpr std::string_view kRecompute = "recompute", kPackWeights = "pack_weights",
                                  kTimeKernels = "time_kernels";
bool is_left_out(const PlanOptions& options, std::string_view part);

/// Changes plan.step and its memory as options.memory_bytes asks for; 0: nothing. Fails
/// with OutOfMemory where the budget cannot be met, naming the smallest that can and the tensor at
/// the peak.
Status fit_budget(TrainingPlan& plan, const BaseModel& base, const PlanOptions& options);

}  // namespace verge::fit
