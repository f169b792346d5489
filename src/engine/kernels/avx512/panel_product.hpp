#pragma once
// Quantized weights with many tokens. Internal to avx512/.

#include <verge/engine/kernels/product_tile.hpp>

namespace verge::kernels::avx512 {

/// Unpacks two row groups once into the first-level cache and multiplies them with all tokens, a
/// few at a time in registers. The results have the same bits as direct_product's.
void panel_product(const ProductTile& tile);

}  // namespace verge::kernels::avx512
