#pragma once
// update_into_gradient: where plain SGD applies a weight's gradient dY^T X and nobody else reads
// it, product and update become one sgd_matmul, and the gradient is never stored (PockEngine,
// section 3: W <- (1 - lr wd) W - lr dY^T X). Runs on the joint graph before the updates are moved
// to their gradients.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph update_into_gradient(Graph graph);

}  // namespace verge::graph
