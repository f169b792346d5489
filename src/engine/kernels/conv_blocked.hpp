#pragma once
// Forward convolution whose result has its channels in blocks of 16 (channel_blocks.hpp), of an
// image in blocks or plane by plane: each weight vector is of neighbouring output channels, so that
// images of any width fill vectors. One group, or one for each channel. What lies outside of the
// image is not multiplied, so nothing is padded or copied. Calling convention: gemm.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

struct BlockedConv {
  Conv2d conv;            // its residual lies like y, in blocks
  bool is_plain = false;  // x is [batch, in_channels, ...], not in blocks
  bool is_depthwise() const { return conv.groups > 1; }
};

int64_t conv2d_blocked_packed_floats(Isa isa, const BlockedConv& conv);
/// Of weight [out_channels, in_channels / groups, kernel_height, kernel_width].
void pack_conv2d_blocked(Isa isa, const BlockedConv& conv, const float* weight, float* packed,
                         Worker& worker);
size_t conv2d_blocked_workspace_bytes(Isa isa, const BlockedConv& conv, int threads);
/// As conv2d_packed; y [batch, blocks, out_height, out_width, 16], whose lanes beyond the channels
/// become what weights and biases of zero give.
void conv2d_blocked(Isa isa, const BlockedConv& conv, const float* x, const float* packed,
                    const float* bias, float* y, void* workspace, Worker& worker);

}  // namespace verge::kernels
