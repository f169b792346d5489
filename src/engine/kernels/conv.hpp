#pragma once
// 2-d convolution over [batch, channels, height, width] and its gradients, without im2col: an image
// is copied once into zero-padded planes, split by stride, in which every kernel tap is a constant
// offset, so that the products of gemm run on shifted rows of the image itself. Groups and
// depthwise (groups == channels) included. Calling convention: gemm.hpp.

#include <cstddef>
#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

struct Conv2d {
  int64_t batch = 0, in_channels = 0, in_height = 0, in_width = 0;
  int64_t out_channels = 0, kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;  // divides both channel counts
  // Of conv2d alone: what happens to a band while it is in cache.
  Activation activation = Activation::None;
  const float* residual = nullptr;  // like y, added; not y itself
  bool activates_sum = false;       // of product and residual; else of the product only
  float factor = 1, offset = 0;     // of all of it
  // Like y: where it does not lie between these, the result is 0. What a clip passed, by its
  // result.
  const float* passed = nullptr;
  float above = 0, below = 0;

  int64_t out_height() const {
    return (in_height + pad_top + pad_bottom - dilation_height * (kernel_height - 1) - 1) /
               stride_height +
           1;
  }
  int64_t out_width() const {
    return (in_width + pad_left + pad_right - dilation_width * (kernel_width - 1) - 1) /
               stride_width +
           1;
  }
};

/// Enough for conv2d, conv2d_backward_data and conv2d_backward_weight on up to `threads` workers,
/// and for all three; 64-byte aligned by the caller.
size_t conv2d_forward_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
size_t conv2d_data_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
size_t conv2d_weight_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
size_t conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int threads);

/// y[batch, out_channels, out_height, out_width] = (activation(weight * x + bias) + residual) *
/// factor + offset; weight [out_channels, in_channels / groups, kernel_height, kernel_width]; bias
/// [out_channels] or null. FLOPs: 2 * y's size * in_channels / groups * kernel_height *
/// kernel_width.
void conv2d(Isa isa, const Conv2d& conv, const float* x, const float* weight, const float* bias,
            float* y, void* workspace, Worker& worker);

/// The same with weights that are packed once and stay as they are; for this Isa.
int64_t conv2d_packed_floats(Isa isa, const Conv2d& conv);
void pack_conv2d(Isa isa, const Conv2d& conv, const float* weight, float* packed, Worker& worker);
size_t conv2d_packed_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
void conv2d_packed(Isa isa, const Conv2d& conv, const float* x, const float* packed,
                   const float* bias, float* y, void* workspace, Worker& worker);

/// dx like x, written; with the residual and where it passed, both like dx.
void conv2d_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                          float* dx, void* workspace, Worker& worker);
/// The same with weights that are packed once and stay as they are; for this Isa. Of a depthwise
/// convolution whose stride across is 2 they are read as they are: nothing is packed.
bool packs_data(const Conv2d& conv);
int64_t data_packed_floats(Isa isa, const Conv2d& conv);
void pack_conv2d_data(Isa isa, const Conv2d& conv, const float* weight, float* packed,
                      Worker& worker);
size_t data_packed_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
void conv2d_backward_data_packed(Isa isa, const Conv2d& conv, const float* dy, const float* packed,
                                 float* dx, void* workspace, Worker& worker);
/// d_weight like weight and d_bias[out_channels], or null, written. Bands of images are summed
/// in fixed chunks, so the bits do not depend on the workers.
void conv2d_backward_weight(Isa isa, const Conv2d& conv, const float* x, const float* dy,
                            float* d_weight, float* d_bias, void* workspace, Worker& worker);

}  // namespace verge::kernels
