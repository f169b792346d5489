#pragma once
// reorder: the order of nodes that needs the smallest arena. List scheduling over all nodes that
// are ready, keeping the eight best beginnings by (peak, bytes alive after), as in PockEngine,
// section 3; the result counts only if the planner gives it a smaller arena than the order it came
// in. What overwrites a value comes after every reader of it. Only graphs with a backward pass have
// something to gain: inference is a chain, and is left alone so that compiling stays fast. Runs
// after all passes that change nodes.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph reorder(Graph graph);

}  // namespace verge::graph
