#pragma once
// What passes share: questions about a Graph, and removal of what nobody needs.

#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// For each value, the nodes that read it, in order.
std::vector<std::vector<NodeId>> readers_of(const Graph& graph);

/// For each value, the node that computes it, or -1.
std::vector<NodeId> producers_of(const Graph& graph);

/// Drops the nodes marked and the values that nobody mentions any more, and renumbers the rest.
/// Inputs and states stay, because callers know them by name.
void remove_nodes(Graph& graph, const std::vector<bool>& removed);

}  // namespace verge::graph
