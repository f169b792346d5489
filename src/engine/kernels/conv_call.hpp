#pragma once
// What the kernels of conv2d and its gradients share: the geometry of a call.

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/window_call.hpp>

namespace verge::kernels {

/// The convolution with image x, result y and weight of these shapes.
inline Conv2d conv_of(const graph::Attrs& attrs, const Shape& x, const Shape& y,
                      const Shape& weight) {
  const graph::Window2d window(attrs, weight[2], weight[3]);
  Conv2d conv{.batch = x[0], .in_channels = x[1], .in_height = x[2], .in_width = x[3]};
  conv.out_channels = y[1];
  set_window(conv, window);
  conv.dilation_height = window.dilations[0];
  conv.dilation_width = window.dilations[1];
  conv.groups = window.groups;
  return conv;
}

inline int64_t conv_workspace(const Conv2d& conv, int threads, Isa isa) {
  return static_cast<int64_t>(conv2d_workspace_bytes(isa, conv, threads));
}

}  // namespace verge::kernels
