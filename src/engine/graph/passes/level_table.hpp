#pragma once
// A function of one level alone as a table of 256; part of lower_int8.

#include <verge/engine/graph/passes/level_graph.hpp>

namespace verge::graph {

/// Emits a lookup_int8 as output 0 of `quantize` where operators that work element by element make
/// what it quantizes of one value of levels and of numbers (x * clip(x + 3, 0, 6) / 6): a level's
/// entry is what their references make of it. Levels that stay what they are get a new name alone,
/// or are left to what moves them. False, and nothing emitted but moves of levels, for all else.
bool emit_level_table(LevelGraph& graph, const Node& quantize);

}  // namespace verge::graph
