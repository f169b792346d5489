#pragma once
// Convolutions and their gradients with weights that change from call to call: direct, or in
// Winograd's domain (conv_winograd.hpp), where each call transforms its weights. Arguments and
// calling convention: conv.hpp.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// The m of F(m x m, 3 x 3) that is taken where nothing was timed, 0: direct. A rule that was
/// measured; dx also needs a mirror (conv_mirror.hpp).
int winograd_by_rule(const Conv2d& conv);

/// Whether dx can be computed in Winograd's domain.
bool data_winograd_fits(const Conv2d& conv);

/// For one m, 0, 2 or 4, on up to `threads` workers, for every smaller batch as well.
size_t trained_conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);
size_t trained_data_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);
size_t trained_weight_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads);

void trained_conv2d(Isa isa, const Conv2d& conv, int m, const float* x, const float* weight,
                    const float* bias, float* y, void* workspace, Worker& worker);
void trained_conv2d_backward_data(Isa isa, const Conv2d& conv, int m, const float* dy,
                                  const float* weight, float* dx, void* workspace, Worker& worker);
void trained_conv2d_backward_weight(Isa isa, const Conv2d& conv, int m, const float* x,
                                    const float* dy, float* d_weight, void* workspace,
                                    Worker& worker);

}  // namespace verge::kernels
