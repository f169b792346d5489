#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/panel_product.hpp>
#include <verge/engine/kernels/simd/direct_product.hpp>
#include <verge/engine/kernels/simd/plain_product.hpp>
#include <verge/engine/kernels/simd/prepare.hpp>

namespace verge::kernels::avx512 {
namespace {

// From so many tokens on, blocks are unpacked once into the cache instead of once for every few
// tokens (Cascade Lake, 16 tokens: Q4_0 264 to 400 GOP/s, Q8_0 257 to 350). Bytes need no
// unpacking.
constexpr int kPanelTokens = 6, kPanelTokensOfBytes = 12;

void product_tile(const ProductTile& tile) {
  if (is_plain(tile.dtype)) return plain_product(tile);
  const int most_direct = tile.dtype == DType::Q8_0 ? kPanelTokensOfBytes : kPanelTokens;
  if (tile.tokens >= most_direct) return panel_product(tile);
  direct_product(tile);
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, gate_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::avx512
#endif
