#if defined(__aarch64__)
#define VERGE_ISA neon
#define VERGE_LANES 4
#include <verge/engine/kernels/simd/direct_product.hpp>
#include <verge/engine/kernels/simd/plain_product.hpp>
#include <verge/engine/kernels/simd/prepare.hpp>

namespace verge::kernels::neon {
namespace {

void product_tile(const ProductTile& tile) {
  if (is_plain(tile.dtype)) return plain_product(tile);
  direct_product(tile);
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, gate_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::neon
#endif
