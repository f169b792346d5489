#pragma once
// F32, F16 and BF16 weights: lane r of a vector is row r, so no sum runs across lanes.

#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

// Each format steps over kColumns columns of 16 rows, kBytes, and 4 bytes of activations.
struct FloatWeights {
  static constexpr int kBytes = 64, kColumns = 1;
  using Vector = F32;
  static VERGE_INLINE Vector load(const uint8_t* w, int row) {
    return VERGE_ISA::load(reinterpret_cast<const float*>(w) + row);
  }
  static VERGE_INLINE F32 add(Vector w, const uint8_t* x, F32 sum) {
    float value;
    __builtin_memcpy(&value, x, 4);
    return fma(w, splat(value), sum);
  }
};
struct HalfWeights : FloatWeights {
  static constexpr int kBytes = 32;
  static VERGE_INLINE Vector load(const uint8_t* w, int row) {
    return load_f16(reinterpret_cast<const uint16_t*>(w) + row);
  }
};
struct Bf16Weights {
  static constexpr int kBytes = 64, kColumns = 2;
  using Vector = I32;  // two columns a lane
  static VERGE_INLINE Vector load(const uint8_t* w, int row) {
    return to_bits(VERGE_ISA::load(reinterpret_cast<const float*>(w) + row));
  }
  static VERGE_INLINE F32 add(Vector w, const uint8_t* x, F32 sum) {
    int32_t pair;
    __builtin_memcpy(&pair, x, 4);
#if defined(__AVX512BF16__)
    return (F32)_mm512_dpbf16_ps((__m512)sum, (__m512bh)w, (__m512bh)_mm512_set1_epi32(pair));
#else
    const I32 pairs = pair - I32{};
    sum = fma(from_bits(w << 16), from_bits(pairs << 16), sum);
    return fma(from_bits(w & -65536), from_bits(pairs & -65536), sum);
#endif
  }
};

constexpr int kPlainPrefetchBytes = 2048;

// kParts vectors of rows, of one or two groups, and kTokens tokens in registers. Each has one sum
// from the first column to the last, however many there are: the order fixes the rounding.
template <class Format, int kParts, int kTokens>
static void plain_tokens(const ProductTile& tile, int first_token) {
  constexpr int kGroupParts = 16 / kLanes;
  const uint8_t* x = tile.activations + first_token * tile.activation_stride;
  F32 y[kParts][kTokens] = {};
  const int64_t steps = tile.cols / Format::kColumns;
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 4
    for (int part = 0; part < kParts; ++part) {
      const uint8_t* at =
          tile.weights + part / kGroupParts * tile.weight_stride + i * Format::kBytes;
      if (part % kGroupParts == 0) __builtin_prefetch(at + kPlainPrefetchBytes);
      const auto weights = Format::load(at, part % kGroupParts * kLanes);
#pragma GCC unroll 24
      for (int t = 0; t < kTokens; ++t) {
        const uint8_t* token = x + t * tile.activation_stride + 4 * i;
        y[part][t] = Format::add(weights, token, y[part][t]);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int part = 0; part < kParts; ++part) {
      store(tile.out + (first_token + t) * 16 * tile.groups + part * kLanes, y[part][t]);
    }
  }
}

template <class Format, int kParts, int kTokens>
static void plain_tiles(const ProductTile& tile, int token) {
  for (; tile.tokens - token >= kTokens; token += kTokens) {
    plain_tokens<Format, kParts, kTokens>(tile, token);
  }
  if constexpr (kTokens > 1) plain_tiles<Format, kParts, kTokens / 2>(tile, token);
}

template <class Format>
static void plain_groups(const ProductTile& tile) {
  constexpr int kSums = kLanes == 8 ? 12 : 24;  // that fit the registers
  if (tile.groups == 2) {
    plain_tiles<Format, 32 / kLanes, kSums * kLanes / 32>(tile, 0);
  } else {
    plain_tiles<Format, 16 / kLanes, kSums * kLanes / 32>(tile, 0);
  }
}

static void plain_product(const ProductTile& tile) {
  if (tile.dtype == DType::F32) return plain_groups<FloatWeights>(tile);
  if (tile.dtype == DType::F16) return plain_groups<HalfWeights>(tile);
  plain_groups<Bf16Weights>(tile);
}

}  // namespace verge::kernels::VERGE_ISA
