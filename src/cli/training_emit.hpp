#pragma once
// What `compile --train --emit c` and `--emit elf` write: a training step as C, or a program that
// fine-tunes.

#include <string>

#include <verge/cli/network_emit.hpp>
#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::cli {

/// Fails as fit::training_source does.
Status emit_training(const EmitOptions& options, const fit::BaseModel& base,
                     const fit::TrainingPlan& plan, const std::string& output, Context& context);

}  // namespace verge::cli
