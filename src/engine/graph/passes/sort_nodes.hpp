#pragma once
// Nodes into an order in which they can run.

#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Puts the nodes after those that must run before them (predecessors_of), else by `place`, one a
/// node, the lowest first.
void sort_nodes(Graph& graph, const std::vector<size_t>& place);

}  // namespace verge::graph
