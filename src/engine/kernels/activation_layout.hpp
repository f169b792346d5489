#pragma once
// How prepared activations lie in memory, and which functions an Isa has. Internal to the kernels.

#include <verge/engine/kernels/activations.hpp>
#include <verge/engine/kernels/product_tile.hpp>

namespace verge::kernels {

/// Bytes from one token to the next: an odd number of cache lines, so that neighbouring tokens do
/// not meet in the same cache sets.
int64_t activation_stride(ActivationKind kind, int64_t cols);

const ProductFunctions& product_functions(Isa isa);

}  // namespace verge::kernels
