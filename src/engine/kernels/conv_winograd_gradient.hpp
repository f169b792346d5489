#pragma once
// The gradient of a 3x3 weight in Winograd's domain. With y = A^T [(G w G^T) (B^T d B)] A for each
// tile (conv_winograd.hpp), dw = G^T [sum over tiles (A dy A^T) (B^T d B)] G: (m + 2)^2 products a
// tile and pair of channels instead of 9 m^2. Calling convention: gemm.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

size_t winograd_gradient_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);
/// As conv2d_backward_weight without a bias, for a convolution that winograd_fits.
void winograd_backward_weight(Isa isa, const Conv2d& conv, int m, const float* x, const float* dy,
                              float* d_weight, void* workspace, Worker& worker);

}  // namespace verge::kernels
