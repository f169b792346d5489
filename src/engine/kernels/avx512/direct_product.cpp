// Quantized weights with few tokens: one pass over the packed blocks, at the speed of memory.

#include <verge/engine/kernels/avx512/block_formats.hpp>
#include <verge/engine/kernels/avx512/quantized_products.hpp>
#include <verge/engine/kernels/avx512/token_sum.hpp>

namespace verge::kernels::avx512 {
namespace {

// How far ahead of the loads: further than a block, whose parts are not read in order.
constexpr int kPrefetchBytes = 4096;

template <class Format, int kTokens>
void direct(const ProductTile& tile, int first_token) {
  const uint8_t* weights = tile.weights;
  const uint8_t* x = tile.activations + first_token * tile.activation_stride;
  const int64_t blocks = tile.cols / (32 * Format::kSubBlocks);
  __m512 y[kTokens];
  for (int t = 0; t < kTokens; ++t) y[t] = _mm512_setzero_ps();
  for (int64_t block = 0; block < blocks; ++block) {
    const Format format(weights);
    for (int sub = 0; sub < Format::kSubBlocks; ++sub) {
      constexpr int kSubBytes = Format::kBytes / Format::kSubBlocks;
      for (int line = 0; line < kSubBytes; line += 64) {
        _mm_prefetch(weights + sub * kSubBytes + line + kPrefetchBytes, _MM_HINT_T0);
      }
      typename Format::Sub s;
      format.load(sub, s);
      for (int t = 0; t < kTokens; ++t) {
        const uint8_t* token = x + t * tile.activation_stride;
        y[t] = add_token<Format::kZeroShift>(s, *reinterpret_cast<const ActivationBlock*>(token),
                                             y[t]);
      }
      x += sizeof(ActivationBlock);
    }
    weights += Format::kBytes;
  }
  for (int t = 0; t < kTokens; ++t) _mm512_storeu_ps(tile.out + (first_token + t) * 16, y[t]);
}

template <class Format>
void direct_tokens(const ProductTile& tile) {
  int token = 0;
  for (; tile.tokens - token >= 8; token += 8) direct<Format, 8>(tile, token);
  for (; tile.tokens - token >= 4; token += 4) direct<Format, 4>(tile, token);
  for (; tile.tokens - token >= 2; token += 2) direct<Format, 2>(tile, token);
  for (; token < tile.tokens; ++token) direct<Format, 1>(tile, token);
}

}  // namespace

void direct_product(const ProductTile& tile) {
  with_format(tile.dtype, [&]<class Format>() { direct_tokens<Format>(tile); });
}

}  // namespace verge::kernels::avx512
