#pragma once
// What the kernels of pools and their gradients share: the geometry of a call.

#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/pool.hpp>

namespace verge::kernels {

/// The pool over an image of this shape.
inline Pool2d pool_of(const graph::Attrs& attrs, const Shape& image) {
  const graph::Window2d window(attrs);
  return {.planes = image[0] * image[1],
          .in_height = image[2],
          .in_width = image[3],
          .kernel_height = window.kernel[0],
          .kernel_width = window.kernel[1],
          .stride_height = window.strides[0],
          .stride_width = window.strides[1],
          .pad_top = window.pads[0],
          .pad_left = window.pads[1],
          .pad_bottom = window.pads[2],
          .pad_right = window.pads[3],
          .count_padding = attrs.integer("count_include_pad") != 0};
}

/// Kernels of pools know no dilation.
inline bool is_dense_pool(const graph::KernelCall& call) {
  const graph::Window2d window(call.attrs);
  return call.in(0).dtype == DType::F32 && window.dilations[0] == 1 && window.dilations[1] == 1;
}

}  // namespace verge::kernels
