#pragma once
// What the kernels of pools and their gradients share: the geometry of a call.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/pool.hpp>
#include <verge/engine/kernels/window_call.hpp>

namespace verge::kernels {

/// The pool over an image of this shape.
inline Pool2d pool_of(const graph::Attrs& attrs, const Shape& image) {
  const graph::Window2d window(attrs);
  Pool2d pool{.planes = image[0] * image[1], .in_height = image[2], .in_width = image[3]};
  set_window(pool, window);
  pool.count_padding = attrs.integer("count_include_pad") != 0;
  return pool;
}

/// Kernels of pools know no dilation.
inline bool is_dense_pool(const graph::KernelCall& call) {
  const graph::Window2d window(call.attrs);
  return call.in(0).dtype == DType::F32 && !graph::is_channels_last(call.attrs) &&
         window.dilations[0] == 1 && window.dilations[1] == 1;
}

}  // namespace verge::kernels
