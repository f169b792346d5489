#pragma once
// What one sub-block of weights adds to one token's sums. Whoever multiplies uses these operations
// in this order, so that a token's result does not depend on how many others run beside it, nor on
// the instruction set.

#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/kernels/simd/block_formats.hpp>

namespace verge::kernels::VERGE_ISA {

VERGE_INLINE int32_t four_bytes(const int8_t* q) {
  int32_t four;
  __builtin_memcpy(&four, q, 4);
  return four;
}
VERGE_INLINE I32 splat_int(int32_t x) {
  return x - I32{};
}

#if VERGE_LANES == 16
VERGE_INLINE I32 dot_word(U32 q, int32_t x, I32 sum) {
  return (I32)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)q, _mm512_set1_epi32(x));
}
#elif defined(__ARM_NEON)
/// Adds to each lane the products of its four signed bytes with those of x.
VERGE_INLINE I32 dot_word(U32 q, int32_t x, I32 sum) {
  const int8x16_t w = vreinterpretq_s8_u32(q), four = vreinterpretq_s8_s32(vdupq_n_s32(x));
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(sum, w, four);
#else
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(four));
  const int16x8_t high = vmull_high_s8(w, four);
  return vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}
#endif

/// Adds the products of 16 columns of unsigned bytes with a token's. kWide: bytes may be
/// above 63.
template <bool kWide>
VERGE_INLINE I32 dot_16(const U32* q, const int8_t* x, I32 sum) {
#if VERGE_LANES == 16
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) sum = dot_word(q[v], four_bytes(x + 4 * v), sum);
#elif defined(__ARM_NEON)
  // Wide bytes are taken as signed ones.
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    sum = dot_word(kWide ? q[v] ^ 0x80808080u : q[v], four_bytes(x + 4 * v), sum);
  }
#else
  // vpmaddubsw adds two products in 16 bits. Up to 63 * 127 that leaves room for two of its
  // results; wide bytes are taken as signed ones, whose sign moves to x.
  const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 4
  for (int v = 0; v < 4; v += 2) {
    __m256i pairs[2];
    for (int i = 0; i < 2; ++i) {
      const __m256i four = _mm256_set1_epi32(four_bytes(x + 4 * (v + i)));
      const __m256i w = (__m256i)(kWide ? q[v + i] ^ 0x80808080u : q[v + i]);
      pairs[i] = kWide ? _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(four, w))
                       : _mm256_maddubs_epi16(w, four);
      if (kWide) sum += (I32)_mm256_madd_epi16(pairs[i], ones);
    }
    if (!kWide) sum += (I32)_mm256_madd_epi16(_mm256_add_epi16(pairs[0], pairs[1]), ones);
  }
#endif
  return sum;
}

/// The scaled integer sums and the minimums' share, before the activation's scale.
template <class Sub>
VERGE_INLINE F32 scale_half(const Sub& s, int half, I32 sum, float x_sum, F32 so_far) {
  const F32 value = to_floats(sum);
  so_far = half == 0 ? value * s.scale[0] : fma(value, s.scale[half], so_far);
  if constexpr (Sub::kMin) so_far = fma(s.min[half], splat(x_sum), so_far);
  return so_far;
}

/// The sums of q that the zero point and the minimums are multiplied with: of all 32 columns, or
/// of one half of them.
template <class Sub>
VERGE_INLINE int32_t correction_of(const ActivationBlock& x, int half) {
  if (!Sub::kPer16) return x.correction;
  return half == 0 ? x.correction_low : x.correction - x.correction_low;
}
template <class Sub>
VERGE_INLINE float sum_of(const ActivationBlock& x, int half) {
  return Sub::kPer16 ? static_cast<float>(correction_of<Sub>(x, half)) * (-1.0f / 128) : x.sum;
}

template <class Format>
VERGE_INLINE F32 add_token(const typename Format::Sub& s, const ActivationBlock& x, F32 y) {
  using Sub = typename Format::Sub;
  constexpr bool kWide = !Sub::kMin && Format::kZeroShift == 0;
  constexpr bool kZeroIsDone = Sub::kMin || (kWide && VERGE_LANES != 16);
  F32 value{};
  for (int half = 0; half < (Sub::kPer16 ? 2 : 1); ++half) {
    const int32_t start = kZeroIsDone ? 0 : correction_of<Sub>(x, half) >> Format::kZeroShift;
    I32 sum = dot_16<kWide>(s.q + 4 * half, x.q + 16 * half, splat_int(start));
    if (!Sub::kPer16) sum = dot_16<kWide>(s.q + 4, x.q + 16, sum);
    value = scale_half(s, half, sum, sum_of<Sub>(x, half), value);
  }
  return fma(value, splat(x.d), y);
}

}  // namespace verge::kernels::VERGE_ISA
