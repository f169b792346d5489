#pragma once
// fuse_linear: what follows a linear layer becomes its epilogue: the sum with a bias (input 2), an
// activation, the sum with a residual (input 3). The product is then written once instead of
// written, read and written again. Only where nobody else reads the product: what the backward pass
// saves stays. Runs after differentiation and dead_code (a mask of relu that is read is absent only
// then), before fuse_projections.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_linear(Graph graph);

}  // namespace verge::graph
