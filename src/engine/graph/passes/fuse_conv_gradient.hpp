#pragma once
// Gives the gradient of a convolution's image what follows it: the sum with another part of the
// gradient, and the mask of the ReLU or clip that made the image, read off the image where that is
// kept for the weight's gradient anyway. The ReLU or clip then makes no mask and can join its
// convolution, so this stands before fuse_conv. Results are the same bits.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_conv_gradient(Graph graph);

}  // namespace verge::graph
