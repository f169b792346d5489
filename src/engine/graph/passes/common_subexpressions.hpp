#pragma once
// common_subexpressions: nodes of one operator with the same inputs and attributes are computed
// once. Nodes that overwrite memory stay, so do named outputs; a backward node is not replaced by a
// forward one, because computing it again may be what keeps the forward value from being saved.
// Dropouts differ by their stream. Runs after canonicalise, which gives equal work equal form.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph common_subexpressions(Graph graph);

}  // namespace verge::graph
