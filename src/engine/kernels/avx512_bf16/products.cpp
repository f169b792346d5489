#if defined(__x86_64__)
#define VERGE_ISA avx512_bf16
#define VERGE_LANES 16
#include <verge/engine/kernels/simd/plain_product.hpp>
#include <verge/engine/kernels/simd/prepare.hpp>

namespace verge::kernels::avx512_bf16 {
namespace {

// What gains nothing from bf16 instructions is avx512's.
void product_tile(const ProductTile& tile) {
  if (is_plain(tile.dtype)) return plain_product(tile);
  avx512::kProductFunctions.product_tile(tile);
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, gate_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::avx512_bf16
#endif
