#pragma once
// hoist_updates: moves each optimizer update to the place right after its gradient is complete and
// the parameter's last reader is done, so that a gradient lives only until it is applied
// (PockEngine, section 3: operator reordering). Runs on the joint graph, before the planner; the
// order of all other nodes stays.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph hoist_updates(Graph graph);

}  // namespace verge::graph
