#pragma once
// fuse_conv: an activation and the sum with a residual that alone read a convolution, in either
// order, and then a factor and an offset, become its epilogue, applied to each band of the image
// while that is in cache. Only where nobody else reads the convolution, where the residual is there
// before it, and where no gradient asks for the mask of a ReLU. Runs after fold_affine, which puts
// the activation behind the convolution, and after dead_code, which drops masks that nobody reads.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_conv(Graph graph);

}  // namespace verge::graph
