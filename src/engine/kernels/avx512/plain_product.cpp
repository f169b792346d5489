// F32, F16 and BF16 weights: lane r of a vector is row r, so no sum runs across lanes.

#include <immintrin.h>

#include <verge/engine/kernels/avx512/quantized_products.hpp>

namespace verge::kernels::avx512 {
namespace {

// Each format steps over kColumns columns with one vector of 16 rows.
struct F32 {
  static constexpr int kBytes = 64, kColumns = 1, kActivationBytes = 4;
  using Vector = __m512;
  static Vector load(const uint8_t* w) { return _mm512_loadu_ps(w); }
  static __m512 add(Vector w, const uint8_t* x, __m512 sum) {
    float value;
    __builtin_memcpy(&value, x, 4);
    return _mm512_fmadd_ps(w, _mm512_set1_ps(value), sum);
  }
};
struct F16 : F32 {
  static constexpr int kBytes = 32;
  static Vector load(const uint8_t* w) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)));
  }
};
struct Bf16 {
  static constexpr int kBytes = 64, kColumns = 2, kActivationBytes = 4;
  using Vector = __m512bh;
  static Vector load(const uint8_t* w) { return (__m512bh)_mm512_loadu_si512(w); }
  static __m512 add(Vector w, const uint8_t* x, __m512 sum) {
    int32_t pair;
    __builtin_memcpy(&pair, x, 4);
    return _mm512_dpbf16_ps(sum, w, (__m512bh)_mm512_set1_epi32(pair));
  }
};

// Independent sums for a single token hide the latency of the multiplier.
constexpr int kChains = 4;
constexpr int kPrefetchBytes = 2048;

template <class Format, int kGroups, int kTokens>
void multiply(const ProductTile& tile, int first_token) {
  constexpr int kSums = kTokens * kGroups >= kChains ? 1 : kChains;
  const uint8_t* x = tile.activations + first_token * tile.activation_stride;
  const uint8_t* w = tile.weights;
  __m512 y[kSums][kGroups][kTokens] = {};
  const int64_t steps = tile.cols / Format::kColumns;
  const auto step = [&](int64_t i, int chain) {
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      const uint8_t* at = w + g * tile.weight_stride + i * Format::kBytes;
      _mm_prefetch(at + kPrefetchBytes, _MM_HINT_T0);
      const auto weights = Format::load(at);
#pragma GCC unroll 12
      for (int t = 0; t < kTokens; ++t) {
        const uint8_t* token = x + t * tile.activation_stride + i * Format::kActivationBytes;
        y[chain][g][t] = Format::add(weights, token, y[chain][g][t]);
      }
    }
  };
  int64_t i = 0;
  for (; i + kSums <= steps; i += kSums) {
#pragma GCC unroll 4
    for (int chain = 0; chain < kSums; ++chain) step(i + chain, chain);
  }
  for (; i < steps; ++i) step(i, 0);
  for (int t = 0; t < kTokens; ++t) {
    for (int g = 0; g < kGroups; ++g) {
      for (int chain = 1; chain < kSums; ++chain)
        y[0][g][t] = _mm512_add_ps(y[0][g][t], y[chain][g][t]);
      _mm512_storeu_ps(tile.out + ((first_token + t) * kGroups + g) * 16, y[0][g][t]);
    }
  }
}

template <class Format, int kGroups, int kTokens>
void multiply_all(const ProductTile& tile, int token) {
  for (; tile.tokens - token >= kTokens; token += kTokens) {
    multiply<Format, kGroups, kTokens>(tile, token);
  }
  if constexpr (kTokens > 1) multiply_all<Format, kGroups, kTokens / 2>(tile, token);
}

template <class Format>
void plain(const ProductTile& tile) {
  if (tile.groups == 2) {
    multiply_all<Format, 2, 12>(tile, 0);
  } else {
    multiply_all<Format, 1, 12>(tile, 0);
  }
}

}  // namespace

void plain_product(const ProductTile& tile) {
  if (tile.dtype == DType::F32) return plain<F32>(tile);
  if (tile.dtype == DType::F16) return plain<F16>(tile);
  plain<Bf16>(tile);
}

}  // namespace verge::kernels::avx512
