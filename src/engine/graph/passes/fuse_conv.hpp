#pragma once
// fuse_conv: an activation that alone reads a convolution becomes its epilogue, applied to each
// band of the image while that is in cache. Only where nobody else reads the convolution, and where
// no gradient asks for the mask of a ReLU. Runs after fold_batch_norm, which puts the activation
// behind the convolution, and after dead_code, which drops masks that nobody reads.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_conv(Graph graph);

}  // namespace verge::graph
