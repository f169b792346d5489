#pragma once
// Preparing activations (activations.hpp), and the gate of a feed-forward layer.

#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/kernels/simd/activations.hpp>
#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

#if VERGE_LANES == 16
/// Sums of the 16 low and the 16 high of 32 bytes.
VERGE_INLINE void sum_halves(__m256i q, int32_t& low, int32_t& high) {
  __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), q);
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
  sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
  low = _mm256_cvtsi256_si32(sums);
  high = _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1));
}

/// As numbers without their signs, floats are in the order of their bits, infinity and NaN last.
VERGE_INLINE void quantize_block(const float* x, ActivationBlock& out) {
  const __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
  const __m512i signless = _mm512_set1_epi32(0x7fffffff);
  const __m512i largest = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), signless),
                                           _mm512_and_si512(_mm512_castps_si512(high), signless));
  const int32_t bits = _mm512_reduce_max_epi32(largest);
  const bool finite = bits < 0x7f800000;
  const float peak = __builtin_bit_cast(float, bits);
  const float inverse = finite && peak > 0 ? 127.0f / peak : 0.0f;
  const __mmask16 kept = finite ? 0xffff : 0;
  const auto bytes = [&](__m512 values) {
    const __m512 scaled = _mm512_maskz_mul_ps(kept, values, _mm512_set1_ps(inverse));
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(scaled));
  };
  const __m256i q = _mm256_set_m128i(bytes(high), bytes(low));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.q), q);
  int32_t sums[2];
  sum_halves(q, sums[0], sums[1]);
  out.d = finite ? peak / 127.0f : __builtin_nanf("");
  out.sum = static_cast<float>(sums[0] + sums[1]);
  out.correction = -128 * (sums[0] + sums[1]);
  out.correction_low = -128 * sums[0];
}
#else
/// Rounds kLanes values, at most 127 in magnitude, to nearest even; their sum.
VERGE_INLINE float round_to_bytes(F32 x, int8_t* q) {
  typedef int8_t I8 __attribute__((vector_size(VERGE_LANES), aligned(1), may_alias));
  const F32 magic = splat(0x1.8p23f);  // adding it leaves the integer in the low bits
  const F32 shifted = x + magic;
  *reinterpret_cast<I8*>(q) = __builtin_convertvector(to_bits(shifted), I8);
  return sum_lanes(shifted - magic);
}

VERGE_INLINE void quantize_block(const float* x, ActivationBlock& out) {
  F32 largest{}, not_finite{};
  for (int i = 0; i < 32; i += kLanes) {
    const F32 v = load(x + i);
    largest = max(largest, max(v, -v));
    not_finite += v - v;  // NaN for NaN and infinity, else 0
  }
  const bool finite = sum_lanes(not_finite) == 0;
  const float peak = max_lanes(largest);
  const float inverse = peak > 0 ? 127.0f / peak : 0.0f;
  float sums[2] = {};
  for (int i = 0; i < 32; i += kLanes) {
    const F32 v = finite ? load(x + i) * inverse : F32{};
    sums[i / 16] += round_to_bytes(v, out.q + i);
  }
  out.d = finite ? peak / 127.0f : __builtin_nanf("");
  out.sum = sums[0] + sums[1];
  out.correction = -128 * static_cast<int32_t>(sums[0] + sums[1]);
  out.correction_low = -128 * static_cast<int32_t>(sums[0]);
}
#endif

static void quantize_row(const float* x, int64_t cols, ActivationBlock* out) {
  for (int64_t block = 0; block < cols / 32; ++block) quantize_block(x + 32 * block, out[block]);
}

static void round_row_to_bf16(const float* x, int64_t cols, uint16_t* out) {
  typedef uint16_t U16 __attribute__((vector_size(2 * VERGE_LANES), aligned(2), may_alias));
  for_vectors(
      cols, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
        const I32 bits = to_bits(load_some(x + i, count));
        const I32 rounded = bits + 0x7fff + (bits >> 16 & 1);
        const I32 is_nan = (bits & 0x7fffffff) > 0x7f800000;
        const U16 high = __builtin_convertvector((is_nan ? bits | 0x400000 : rounded) >> 16, U16);
        if (count == kLanes) {
          *reinterpret_cast<U16*>(out + i) = high;
        } else {
          for (int64_t lane = 0; lane < count; ++lane) out[i + lane] = high[lane];
        }
      });
}

static void gate_multiply(Activation f, const float* gate, float* y, int64_t count) {
  with_activation(f, [&]<class F>(F) {
    for (int64_t i = 0; i < count; i += kLanes) {
      store(y + i, load(y + i) * F::value(load(gate + i)));
    }
  });
}

}  // namespace verge::kernels::VERGE_ISA
