#pragma once
// 2-d convolution of 8-bit levels over [batch, height, width, channels] (graph/levels.hpp): exact
// sums in 32 bits, one f32 factor a channel, then levels or f32. A band of rows is copied into
// padded rows where a window leaves the image or levels are signed; each tap of a window's row is
// then part of one run of bytes, and a 1x1 convolution is a matrix product on the image itself.
// Calling convention: gemm.hpp.

#include <cstddef>
#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

struct ConvInt8 {
  int64_t batch = 0, in_channels = 0, in_height = 0, in_width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t dilation_height = 1, dilation_width = 1;
  int64_t groups = 1;
  bool is_signed = false;  // x is i8
  int32_t x_zero = 0;

  bool is_depthwise() const {
    return groups > 1 && groups == in_channels && groups == out_channels;
  }
};

/// What becomes of a sum: clip(round((sum + bias) * multiplier) + zero), the clip already less
/// zero.
struct Requantize {
  DType to = DType::U8;  // I8, U8, or F32 for the product itself
  const int32_t* bias = nullptr;
  const float* multiplier = nullptr;
  float least = 0, most = 255;
  int32_t zero = 0;
};

/// Weights [out, in / groups, kh, kw] in the order in which kernels read them, with their sums.
int64_t conv_int8_packed_bytes(Isa isa, const ConvInt8& conv);
void pack_conv_int8(Isa isa, const ConvInt8& conv, const int8_t* weight, std::byte* packed,
                    Worker& worker);
int64_t conv_int8_workspace_bytes(Isa isa, const ConvInt8& conv, int threads);
/// y [batch, out_height, out_width, out_channels] of `how.to`.
void conv_int8(Isa isa, const ConvInt8& conv, const std::byte* x, const std::byte* packed,
               const Requantize& how, std::byte* y, void* workspace, Worker& worker);

}  // namespace verge::kernels
