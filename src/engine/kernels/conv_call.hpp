#pragma once
// What the kernels of conv2d and its gradients share: the geometry of a call.

#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// The convolution with image x, result y and weight of these shapes.
inline Conv2d conv_of(const graph::Attrs& attrs, const Shape& x, const Shape& y,
                      const Shape& weight) {
  const graph::Window2d window(attrs, weight[2], weight[3]);
  return {.batch = x[0],
          .in_channels = x[1],
          .in_height = x[2],
          .in_width = x[3],
          .out_channels = y[1],
          .kernel_height = window.kernel[0],
          .kernel_width = window.kernel[1],
          .stride_height = window.strides[0],
          .stride_width = window.strides[1],
          .pad_top = window.pads[0],
          .pad_left = window.pads[1],
          .pad_bottom = window.pads[2],
          .pad_right = window.pads[3],
          .dilation_height = window.dilations[0],
          .dilation_width = window.dilations[1],
          .groups = window.groups};
}

inline int64_t conv_workspace(const Conv2d& conv, int threads, Isa isa) {
  return static_cast<int64_t>(conv2d_workspace_bytes(isa, conv, threads));
}

}  // namespace verge::kernels
