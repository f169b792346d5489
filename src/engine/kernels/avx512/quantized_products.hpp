#pragma once
// The two ways to multiply a row group with quantized activations. Internal to avx512/.

#include <verge/engine/kernels/product_tile.hpp>

namespace verge::kernels::avx512 {

/// Unpacks every sub-block in registers, for up to 8 tokens at a time: few tokens.
void direct_product(const ProductTile& tile);

/// Unpacks the weights once into the first-level cache, then runs over all tokens: many tokens.
void panel_product(const ProductTile& tile);

/// F32, F16 and BF16 weights.
void plain_product(const ProductTile& tile);

}  // namespace verge::kernels::avx512
