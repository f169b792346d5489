#pragma once
// fuse_norm: an RMS norm whose only reader is a product (linear, linear_multi, linear_glu) becomes
// part of it: the row is normalised while it is prepared for the product, which saves a barrier
// and a pass over it. The same function, bit for bit. Only for weights that stay as they are
// (inference), as training saves the norm's result. Runs after fuse_projections, which leaves one
// reader.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_norm(Graph graph);

}  // namespace verge::graph
