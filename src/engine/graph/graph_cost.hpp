#pragma once
// The work of a whole graph, at the upper bounds of its extents.

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

Cost cost_of(const Graph& graph, const Node& node);
Cost cost_of(const Graph& graph);

}  // namespace verge::graph
