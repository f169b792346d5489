#pragma once
// Writes a model with exit heads: the model's own tensors, or trained ones of their names, with the
// heads' norms as metadata and their matrices, where they have their own, as tensors.

#include <utility>

#include <verge/stages/adapt/exits/exit_run.hpp>

namespace verge::adapt {

/// `trained`: f32 tensors by name; exit.N.norm.weight of every exit, exit.N.output.weight where
/// heads are untied, and others, which take the place of the model's in ExitMode::Joint alone.
/// Those get options.type, or the type of the model's tensor of that name, for exits of its output
/// matrix. Whole or not at all.
Status write_exits(const AdaptExitsOptions& options, const ExitRun& run,
                   const std::vector<std::pair<std::string, TensorView>>& trained,
                   ThreadPool& pool);

}  // namespace verge::adapt
