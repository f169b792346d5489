#pragma once
// Convolutions and their gradients with weights that change from call to call: direct, or in
// Winograd's domain (conv_winograd.hpp) where that is faster although each call transforms its
// weights, by a rule that was measured. Arguments and calling convention: conv.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// Enough for each of the three on up to `threads` workers, for every smaller batch as well.
size_t trained_conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
size_t trained_data_workspace_bytes(Isa isa, const Conv2d& conv, int threads);
size_t trained_weight_workspace_bytes(Isa isa, const Conv2d& conv, int threads);

void trained_conv2d(Isa isa, const Conv2d& conv, const float* x, const float* weight,
                    const float* bias, float* y, void* workspace, Worker& worker);
void trained_conv2d_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                                  float* dx, void* workspace, Worker& worker);
void trained_conv2d_backward_weight(Isa isa, const Conv2d& conv, const float* x, const float* dy,
                                    float* d_weight, void* workspace, Worker& worker);

}  // namespace verge::kernels
