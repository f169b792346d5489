// The AVX-512 table of the matrix products, and the preparation of activations.

#include <immintrin.h>

#include <verge/engine/kernels/avx512/quantized_products.hpp>

namespace verge::kernels::avx512 {
namespace {

// From here on, unpacking once into the cache beats unpacking per 8 tokens; measured on Zen 4.
constexpr int kPanelTokens = 24;

void product_tile(const ProductTile& tile) {
  const bool plain =
      tile.dtype == DType::F32 || tile.dtype == DType::F16 || tile.dtype == DType::BF16;
  if (plain) return plain_product(tile);
  if (tile.groups == 2 || tile.tokens >= kPanelTokens) return panel_product(tile);
  direct_product(tile);
}

// exp(x) for |x| < 87: 2^n * e^r, |r| <= ln 2 / 2, by its Taylor polynomial (error < 2 ulp).
inline __m512 exponential(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(0x1.715476p0f)), 8);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e4p-1f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), r);
  constexpr float kFactorials[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  __m512 p = _mm512_set1_ps(1.0f / 5040);
  for (float factor : kFactorials) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(factor));
  return _mm512_scalef_ps(p, n);
}

void silu_multiply(const float* gate, float* y, int64_t count) {
  const __m512 one = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < count; i += 16) {
    const __m512 g = _mm512_loadu_ps(gate + i);
    const __m512 e = exponential(_mm512_sub_ps(_mm512_setzero_ps(), g));
    const __m512 silu = _mm512_div_ps(g, _mm512_add_ps(one, e));
    _mm512_storeu_ps(y + i, _mm512_mul_ps(silu, _mm512_loadu_ps(y + i)));
  }
}

inline int32_t sum_bytes(__m128i q) {
  const __m512i wide = _mm512_cvtepi8_epi32(q);
  return _mm512_reduce_add_epi32(wide);
}

void quantize_block(const float* x, ActivationBlock& out) {
  const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
  const float largest =
      _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  constexpr int kNanOrInfinite = 0x01 | 0x08 | 0x10 | 0x80;
  const bool finite = (_mm512_fpclass_ps_mask(low, kNanOrInfinite) |
                       _mm512_fpclass_ps_mask(high, kNanOrInfinite)) == 0;
  const __m512 inverse = _mm512_set1_ps(finite && largest > 0.0f ? 127.0f / largest : 0.0f);
  const auto to_bytes = [&](__m512 v) {
    const __m512 scaled = _mm512_mul_ps(v, inverse);
    return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(scaled));
  };
  const __m128i zero = _mm_setzero_si128();
  const __m128i q0 = finite ? to_bytes(low) : zero, q1 = finite ? to_bytes(high) : zero;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.q), q0);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out.q + 16), q1);
  const int32_t sum0 = sum_bytes(q0), sum1 = sum_bytes(q1);
  out.d = finite ? largest / 127.0f : __builtin_nanf("");
  out.sum = static_cast<float>(sum0 + sum1);
  out.correction = -128 * (sum0 + sum1);
  out.correction_low = -128 * sum0;
}

void quantize_row(const float* x, int64_t cols, ActivationBlock* out) {
  for (int64_t block = 0; block < cols / 32; ++block) quantize_block(x + 32 * block, out[block]);
}

void round_row_to_bf16(const float* x, int64_t cols, uint16_t* out) {
  for (int64_t i = 0; i < cols; i += 16) {
    const int left = cols - i < 16 ? static_cast<int>(cols - i) : 16;
    const __mmask16 mask = static_cast<__mmask16>((1u << left) - 1);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
    _mm256_mask_storeu_epi16(out + i, mask, (__m256i)rounded);
  }
}

}  // namespace

const ProductFunctions kProductFunctions = {product_tile, silu_multiply, quantize_row,
                                            round_row_to_bf16};

}  // namespace verge::kernels::avx512
