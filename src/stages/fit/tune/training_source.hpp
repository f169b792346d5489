#pragma once
// training_source: the step of a training plan as C99, for machines without Verge.

#include <string>

#include <verge/engine/emit/c_source.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Passes that a plan must do without so that its step has C.
std::vector<std::string> passes_without_training_c();

/// `name`: of the functions and files. Parameters are those of the base model. Fails with
/// Unsupported for language models and networks of 8-bit levels, and where nodes have no C, naming
/// them; see emit_c.
Result<emit::CSource> training_source(const BaseModel& base, const TrainingPlan& plan,
                                      const std::string& name);

}  // namespace verge::fit
