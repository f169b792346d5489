#pragma once
// 3x3 convolutions of stride 1 by Winograd's minimal filtering F(m x m, 3 x 3), m = 2 or 4 (Lavin &
// Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4): an (m + 2)^2 tile of
// the image and of the weights is transformed, so that m^2 results take (m + 2)^2 products instead
// of 9 m^2. Sums are rounded otherwise than a direct convolution's: an error of some 1e-6 of the
// largest result for m = 2, 1e-5 for m = 4. Calling convention: gemm.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// Kernels of 3x3, strides, dilations and groups of 1, and at least one channel to read.
bool winograd_fits(const Conv2d& conv);

/// [out_channels, in_channels, 3, 3]; mirrored: of the convolution from y to x (conv_mirror.hpp),
/// [in_channels, out_channels, 3, 3] turned round.
struct WinogradWeight {
  const float* data;
  bool is_mirrored = false;
};

int64_t winograd_packed_floats(Isa isa, const Conv2d& conv, int m);
/// Transforms the weight of `conv`.
void pack_winograd(Isa isa, const Conv2d& conv, int m, const WinogradWeight& weight, float* packed,
                   Worker& worker);
size_t winograd_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);
/// As conv2d_packed, with weights of pack_winograd.
void conv2d_winograd(Isa isa, const Conv2d& conv, int m, const float* x, const float* packed,
                     const float* bias, float* y, void* workspace, Worker& worker);

/// The same with weights that are transformed in the call.
size_t trained_winograd_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);
void conv2d_trained_winograd(Isa isa, const Conv2d& conv, int m, const float* x,
                             const WinogradWeight& weight, const float* bias, float* y,
                             void* workspace, Worker& worker);

}  // namespace verge::kernels
