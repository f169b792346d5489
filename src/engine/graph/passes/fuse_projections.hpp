#pragma once
// fuse_projections: linear layers that read the same input become one node: query, key and value
// (linear_multi), gate and up with their product (linear_glu). The input is then quantized once,
// and all rows are one pool of work. Only for weights that stay as they are (inference): training
// needs each product's own gradient. Runs before the planner; leaves nothing unread but what
// dead_code removes.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_projections(Graph graph);

}  // namespace verge::graph
