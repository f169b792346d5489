#pragma once
// The window of a call, for kernels of convolutions and pools.

#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

/// Sets kernel, strides and padding of a Conv2d or Pool2d.
template <typename Geometry>
void set_window(Geometry& geometry, const graph::Window2d& window) {
  geometry.kernel_height = window.kernel[0];
  geometry.kernel_width = window.kernel[1];
  geometry.stride_height = window.strides[0];
  geometry.stride_width = window.strides[1];
  geometry.pad_top = window.pads[0];
  geometry.pad_left = window.pads[1];
  geometry.pad_bottom = window.pads[2];
  geometry.pad_right = window.pads[3];
}

}  // namespace verge::kernels
