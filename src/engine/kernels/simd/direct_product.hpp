#pragma once
// Quantized weights with few tokens: one pass over the packed blocks, at the speed of memory.

#include <verge/engine/kernels/simd/token_sum.hpp>

namespace verge::kernels::VERGE_ISA {

// How far ahead of the loads: further than a block, whose parts are not read in order.
constexpr int kPrefetchBytes = 4096;
constexpr int kParts = 16 / kLanes;  // of a row group

VERGE_INLINE void prefetch(const uint8_t* p, int bytes) {
  for (int line = 0; line < bytes; line += 64) __builtin_prefetch(p + line + kPrefetchBytes);
}

template <class Format, int kTokens>
static void direct(const ProductTile& tile, int first_token) {
  const uint8_t* weights = tile.weights;
  const uint8_t* x = tile.activations + first_token * tile.activation_stride;
  const int64_t blocks = tile.cols / (32 * Format::kSubBlocks);
  F32 y[kParts][kTokens] = {};
  for (int64_t block = 0; block < blocks; ++block) {
    for (int part = 0; part < kParts; ++part) {
      const Format format(BlockRows{weights, part * kLanes});
      for (int sub = 0; sub < Format::kSubBlocks; ++sub) {
        constexpr int kSubBytes = Format::kBytes / Format::kSubBlocks;
        if (part == 0) prefetch(weights + sub * kSubBytes, kSubBytes);
        typename Format::Sub s;
        format.load(sub, s);
        const uint8_t* at = x + sub * sizeof(ActivationBlock);
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) {
          const uint8_t* token = at + t * tile.activation_stride;
          y[part][t] =
              add_token<Format>(s, *reinterpret_cast<const ActivationBlock*>(token), y[part][t]);
        }
      }
    }
    weights += Format::kBytes;
    x += Format::kSubBlocks * sizeof(ActivationBlock);
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int part = 0; part < kParts; ++part) {
      store(tile.out + (first_token + t) * 16 * tile.groups + part * kLanes, y[part][t]);
    }
  }
}

template <class Format>
static void direct_tokens(const ProductTile& tile) {
  int token = 0;
#if VERGE_LANES == 16
  for (; tile.tokens - token >= 8; token += 8) direct<Format, 8>(tile, token);
#endif
  // 5 are 3 and 2, 6 are 3 and 3: each pass unpacks all weights.
  for (; tile.tokens - token == 4 || tile.tokens - token > 6; token += 4) {
    direct<Format, 4>(tile, token);
  }
  for (; tile.tokens - token >= 3; token += 3) direct<Format, 3>(tile, token);
  if (tile.tokens - token == 2) return direct<Format, 2>(tile, token);
  if (tile.tokens - token == 1) direct<Format, 1>(tile, token);
}

/// Unpacks every sub-block in registers, for a few tokens at a time.
static void direct_product(ProductTile tile) {
  for (int group = 0; group < tile.groups; ++group) {
    with_format(tile.dtype, [&]<class Format>() { direct_tokens<Format>(tile); });
    tile.weights += tile.weight_stride;
    tile.out += 16;
  }
}

}  // namespace verge::kernels::VERGE_ISA
