#pragma once
// The data gradient of a depthwise convolution whose stride across is 2: the taps of even and of
// odd results over one padded plane of dy, put together while they are in registers. Internal to
// this module; calling convention: gemm.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

bool strided_fits(const Conv2d& conv);
size_t strided_workspace_bytes(const Conv2d& conv, int threads);
/// As conv2d_backward_data.
void strided_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                           float* dx, void* workspace, Worker& worker);

}  // namespace verge::kernels
