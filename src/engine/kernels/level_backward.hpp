#pragma once
// Gradients of convolutions of 8-bit levels: dy in f32, weights and images as levels, which are
// widened as they are read, so that no f32 copy of them is ever made. Calling convention: gemm.hpp.

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// Whether each pixel of y is made of the one at the same place in x: then an image may be read as
/// one long row.
inline bool is_pixelwise(const Conv2d& c) {
  return c.kernel_height == 1 && c.kernel_width == 1 && c.stride_height == 1 &&
         c.stride_width == 1 && c.pad_top == 0 && c.pad_left == 0 && c.pad_bottom == 0 &&
         c.pad_right == 0;
}

/// dx = each dy spread over its window by w [out, in / groups, kernel]; written.
void conv2d_level_backward_data(const Conv2d& conv, const float* dy, const int8_t* w, float* dx,
                                Worker& worker);

/// Levels of an image.
struct LevelImage {
  const void* levels = nullptr;
  bool is_signed = true;
  int zero = 0;
};

/// dw [in / groups, kernel] of one output channel; written. By one thread.
void conv2d_level_backward_weight(const Conv2d& conv, const float* dy, const LevelImage& x,
                                  int64_t out_channel, float* dw);

}  // namespace verge::kernels
