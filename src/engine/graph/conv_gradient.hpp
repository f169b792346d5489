#pragma once
// What the gradient rules of conv2d and conv2d_int8 share.

#include <verge/engine/graph/channel_slice.hpp>

namespace verge::graph {

/// dw of a convolution of x (input 0) and w (input 1): the correlation of x with dy, or of those
/// channels of x alone that the node was asked for. `attrs`: the window of the convolution, and
/// {x_zero} of a convolution of levels.
ValueId emit_conv_weight_gradient(GradientContext& context, ValueId dy, Attrs attrs);

}  // namespace verge::graph
