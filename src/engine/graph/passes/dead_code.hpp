#pragma once
// dead_code: removes nodes whose results nobody reads, and marks unread outputs of the others as
// absent, so that kernels skip them and the planner gives them no memory. After autodiff this is
// what makes sparse training cheap: forward values that no gradient needs disappear. Runs after
// every pass that may leave something unread.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph dead_code(Graph graph);

}  // namespace verge::graph
