#pragma once
// What --scheme names: a preset, a file, or the richest scheme below a budget.

#include <string>

#include <verge/stages/fit/tune/training_plan.hpp>

namespace verge::fit {

/// Compiles "auto", a preset of nn::preset_scheme, or a scheme file. "auto" takes, of
/// automatic_schemes, the one that updates most parameters below options.memory_bytes, the first of
/// equals; without a budget full. Fails as compile_training does; of "auto" the
/// smallest budget named is that of the head alone.
Result<TrainingPlan> compile_chosen(const BaseModel& base, const std::string& scheme,
                                    const PlanOptions& options, int threads);

/// The schemes that "auto" tries, in order: full; for each share of 1, 1/2, 1/4, 1/8 and each K
/// from all blocks to one, that share of the channels of the last K blocks with their biases (what
/// has no channels is updated whole); bias; head. Of a CNN or an ONNX network a block is a layer.
std::vector<nn::UpdateScheme> automatic_schemes(const graph::Graph& graph);

}  // namespace verge::fit
