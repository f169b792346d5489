#pragma once
// conv_winograd.hpp for images with their channels in blocks: a vector holds 16 channels of one
// place of a tile, so that no transform shuffles. Calling convention: gemm.hpp.

#include <verge/engine/kernels/conv_blocked.hpp>

namespace verge::kernels {

/// As winograd_fits, of images in blocks.
bool blocked_winograd_fits(const BlockedConv& conv);

int64_t blocked_winograd_packed_floats(Isa isa, const BlockedConv& conv, int m);
/// Transforms weight [out_channels, in_channels, 3, 3].
void pack_blocked_winograd(Isa isa, const BlockedConv& conv, int m, const float* weight,
                           float* packed, Worker& worker);
size_t blocked_winograd_workspace_bytes(Isa isa, const BlockedConv& conv, int m, int threads);
/// As conv2d_blocked, with weights of pack_blocked_winograd.
void conv2d_blocked_winograd(Isa isa, const BlockedConv& conv, int m, const float* x,
                             const float* packed, const float* bias, float* y, void* workspace,
                             Worker& worker);

}  // namespace verge::kernels
