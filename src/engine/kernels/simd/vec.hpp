#pragma once
// F32: a vector of floats as wide as the instruction set this source is compiled for. A kernel is
// written once on it, in simd/, and compiled once per folder generic/, avx2/, avx512/, neon/, which
// define VERGE_ISA (the namespace) and VERGE_LANES. Only those folders include this header.

#include <cmath>
#include <cstdint>
#include <cstring>

#include <verge/core/dtype.hpp>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifndef VERGE_ISA
#define VERGE_ISA generic
#define VERGE_LANES 4
#endif

#define VERGE_INLINE inline __attribute__((always_inline))

namespace verge::kernels::VERGE_ISA {

constexpr int kLanes = VERGE_LANES;
typedef float F32 __attribute__((vector_size(4 * VERGE_LANES)));
typedef int32_t I32 __attribute__((vector_size(4 * VERGE_LANES)));
typedef float F32Memory __attribute__((vector_size(4 * VERGE_LANES), aligned(4), may_alias));

VERGE_INLINE F32 splat(float x) {
  return x - F32{};
}
VERGE_INLINE F32 load(const float* p) {
  return *reinterpret_cast<const F32Memory*>(p);
}
VERGE_INLINE void store(float* p, F32 x) {
  *reinterpret_cast<F32Memory*>(p) = x;
}
VERGE_INLINE F32 max(F32 a, F32 b) {
  return a > b ? a : b;
}
VERGE_INLINE F32 min(F32 a, F32 b) {
  return a < b ? a : b;
}

/// a * b + c, rounded once where the instruction set can.
VERGE_INLINE F32 fma(F32 a, F32 b, F32 c) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return reinterpret_cast<F32>(_mm512_fmadd_ps(
      reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif VERGE_LANES == 8 && defined(__FMA__)
  return reinterpret_cast<F32>(_mm256_fmadd_ps(
      reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__ARM_NEON)
  return vfmaq_f32(c, a, b);
#else
  return a * b + c;
#endif
}

/// The first `count` lanes (0..kLanes) from memory, the others `fill`.
VERGE_INLINE F32 load_part(const float* p, int64_t count, float fill = 0) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  const auto lanes = static_cast<__mmask16>((1u << count) - 1);
  return reinterpret_cast<F32>(_mm512_mask_loadu_ps(_mm512_set1_ps(fill), lanes, p));
#else
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = i < count ? p[i] : fill;
  return load(lanes);
#endif
}
VERGE_INLINE void store_part(float* p, F32 x, int64_t count) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  const auto lanes = static_cast<__mmask16>((1u << count) - 1);
  _mm512_mask_storeu_ps(p, lanes, reinterpret_cast<__m512>(x));
#else
  for (int i = 0; i < kLanes; ++i) {
    if (i < count) p[i] = x[i];
  }
#endif
}

VERGE_INLINE F32 sqrt(F32 x) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return reinterpret_cast<F32>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#elif VERGE_LANES == 8 && defined(__AVX2__)
  return reinterpret_cast<F32>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#elif defined(__ARM_NEON)
  return vsqrtq_f32(x);
#else
  for (int i = 0; i < kLanes; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

VERGE_INLINE float sum_lanes(F32 x) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(x));
#elif defined(__ARM_NEON)
  // Not vaddvq_f32: GCC 12 moves additions of a constant to the vector behind it, whatever they
  // round.
  return vpadds_f32(vget_low_f32(vpaddq_f32(x, x)));
#else
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += x[i];
  return sum;
#endif
}
/// out[i] = sum_lanes(xi) for four vectors, sharing the shuffles.
VERGE_INLINE void sum_lanes_of_four(F32 x0, F32 x1, F32 x2, F32 x3, float* out) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  const auto a = reinterpret_cast<__m512>(x0);
  const auto b = reinterpret_cast<__m512>(x1);
  const auto c = reinterpret_cast<__m512>(x2);
  const auto d = reinterpret_cast<__m512>(x3);
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 abcd =
      _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
#elif defined(__ARM_NEON)
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(x0, x1), vpaddq_f32(x2, x3)));
#else
  const F32 x[] = {x0, x1, x2, x3};
  for (int i = 0; i < 4; ++i) out[i] = sum_lanes(x[i]);
#endif
}

VERGE_INLINE float max_lanes(F32 x) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return _mm512_reduce_max_ps(reinterpret_cast<__m512>(x));
#elif defined(__ARM_NEON)
  return vmaxnmvq_f32(x);
#else
  float best = x[0];
  for (int i = 1; i < kLanes; ++i) best = x[i] > best ? x[i] : best;
  return best;
#endif
}

VERGE_INLINE F32 from_bits(I32 x) {
  return reinterpret_cast<F32>(x);
}
VERGE_INLINE I32 to_bits(F32 x) {
  return reinterpret_cast<I32>(x);
}

/// Lanes 0, 0, 1, 1, 2, 2, ...
VERGE_INLINE F32 double_lanes(F32 x) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3);
#else
  return __builtin_shufflevector(x, x, 0, 0, 1, 1);
#endif
}
/// Lanes 1, 0, 3, 2, ...
VERGE_INLINE F32 swap_pairs(F32 x) {
#if VERGE_LANES == 16
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
#elif VERGE_LANES == 8
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
#else
  return __builtin_shufflevector(x, x, 1, 0, 3, 2);
#endif
}

/// kLanes half-precision values.
VERGE_INLINE F32 load_f16(const uint16_t* p) {
#if VERGE_LANES == 16 && defined(__AVX512F__)
  return reinterpret_cast<F32>(
      _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
#elif VERGE_LANES == 8 && defined(__F16C__)
  return reinterpret_cast<F32>(
      _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__ARM_NEON)
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
  F32 out;
  for (int i = 0; i < kLanes; ++i) out[i] = f16_to_f32(p[i]);
  return out;
#endif
}
VERGE_INLINE F32 load_bf16(const uint16_t* p) {
  typedef uint16_t U16 __attribute__((vector_size(2 * VERGE_LANES), aligned(2), may_alias));
  return from_bits(__builtin_convertvector(*reinterpret_cast<const U16*>(p), I32) << 16);
}
VERGE_INLINE F32 load_i8(const int8_t* p) {
  typedef int8_t I8 __attribute__((vector_size(VERGE_LANES), aligned(1), may_alias));
  return __builtin_convertvector(__builtin_convertvector(*reinterpret_cast<const I8*>(p), I32),
                                 F32);
}

/// e^x to 2 ulp; 0 below -87.3, infinity above 88.7, NaN for NaN. Cody-Waite reduction by ln 2 in
/// two parts, then the degree-6 Taylor-like minimax polynomial of Cephes' expf (Moshier, 1992).
VERGE_INLINE F32 exp(F32 x) {
  const F32 clamped = x > 88.7228f ? splat(88.7228f) : (x < -87.33654f ? splat(-87.33654f) : x);
  const F32 magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const F32 rounded = fma(clamped, splat(1.44269504f), magic);
  const F32 n = rounded - magic;
  F32 r = fma(n, splat(-0.693359375f), clamped);
  r = fma(n, splat(2.12194440e-4f), r);
  F32 p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r + 1.0f);
  // 2^n in two factors, since 2^128 is not a float.
  const I32 whole = to_bits(rounded) - to_bits(magic);
  const I32 half = whole >> 1;
  const F32 scale_a = from_bits((half + 127) << 23);
  const F32 scale_b = from_bits((whole - half + 127) << 23);
  const F32 y = p * scale_a * scale_b;
  const F32 infinity = splat(__builtin_inff());
  return x > 88.7228f ? infinity : (x < -87.33654f ? F32{} : y);
}

VERGE_INLINE F32 sigmoid(F32 x) {
  return 1.0f / (1.0f + exp(-x));
}
/// 1 - 2 / (e^2x + 1): absolute error below 2e-7, which is what GELU needs.
VERGE_INLINE F32 tanh(F32 x) {
  return 1.0f - 2.0f / (exp(x + x) + 1.0f);
}

/// Calls body(i, count) for every vector of [0, n); count < kLanes in the last call only.
template <typename Body>
VERGE_INLINE void for_vectors(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, static_cast<int64_t>(kLanes));
  if (i < n) body(i, n - i);
}
VERGE_INLINE F32 load_some(const float* p, int64_t count, float fill = 0) {
  return count == kLanes ? load(p) : load_part(p, count, fill);
}
VERGE_INLINE void store_some(float* p, F32 x, int64_t count) {
  if (count == kLanes) {
    store(p, x);
  } else {
    store_part(p, x, count);
  }
}

}  // namespace verge::kernels::VERGE_ISA
