#pragma once
// The form that each operator of floats has on levels; part of lower_int8.

#include <verge/engine/graph/passes/level_graph.hpp>

namespace verge::graph {

/// Emits what computes output 0 of `node`, made levels as `target` says, from the levels of its
/// inputs, as `y`. False, and nothing emitted but moves of levels, where it has no form or an input
/// no levels.
bool emit_level_form(LevelGraph& graph, const Node& node, const LevelTarget& target, ValueId y);

/// A convolution or linear layer alone; `target` may be floats.
bool emit_level_product(LevelGraph& graph, const Node& node, const LevelTarget& target, ValueId y);

}  // namespace verge::graph
