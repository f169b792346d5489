#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/panel_product.hpp>
#include <verge/engine/kernels/simd/direct_product.hpp>
#include <verge/engine/kernels/simd/plain_product.hpp>
#include <verge/engine/kernels/simd/prepare.hpp>

namespace verge::kernels::avx512 {
namespace {

// From here on, blocks are unpacked once into the cache instead of once for every 8 tokens. Chosen,
// not tuned.
constexpr int kPanelTokens = 24;

void product_tile(const ProductTile& tile) {
  if (is_plain(tile.dtype)) return plain_product(tile);
  if (tile.groups == 2 || tile.tokens >= kPanelTokens) return panel_product(tile);
  direct_product(tile);
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, gate_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::avx512
#endif
