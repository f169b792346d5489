#pragma once
// The data gradient of a convolution of stride 1 is itself a convolution of stride 1: of dy, with
// the channels of the weight exchanged and its kernels turned round, padded by what the first left
// of a kernel's reach. Internal to this module.

#include <verge/engine/kernels/conv.hpp>

namespace verge::kernels {

/// Strides of 1 and no padding beyond the kernel's reach.
bool has_mirror(const Conv2d& conv);

/// The convolution from dy to dx.
Conv2d mirror_of(const Conv2d& conv);

/// The weight of `conv` packed for conv2d_packed(mirror_of(conv)).
void pack_mirror(Isa isa, const Conv2d& conv, const float* weight, float* packed, Worker& worker);

}  // namespace verge::kernels
