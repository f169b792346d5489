#pragma once
// Pooling over [batch, channels, height, width] and its gradients. Calling convention: gemm.hpp.

#include <cstdint>

#include <verge/core/threads.hpp>

namespace verge::kernels {

struct Pool2d {
  int64_t planes = 0;  // batch * channels
  int64_t in_height = 0, in_width = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  bool count_padding = false;  // average: divide by the whole window at the borders, too

  int64_t out_height() const {
    return (in_height + pad_top + pad_bottom - kernel_height) / stride_height + 1;
  }
  int64_t out_width() const {
    return (in_width + pad_left + pad_right - kernel_width) / stride_width + 1;
  }
};

/// y = the largest value of each window; window_index, unless null, its place ky * kernel_width +
/// kx (windows of at most 256). Padding is smaller than the window and never the largest.
void max_pool(const Pool2d& pool, const float* x, float* y, uint8_t* window_index, Worker& worker);
void max_pool_backward(const Pool2d& pool, const float* dy, const uint8_t* window_index, float* dx,
                       Worker& worker);

void avg_pool(const Pool2d& pool, const float* x, float* y, Worker& worker);
void avg_pool_backward(const Pool2d& pool, const float* dy, float* dx, Worker& worker);

}  // namespace verge::kernels
