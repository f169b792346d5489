#pragma once
// Preparing activations (activations.hpp), and the gate of a feed-forward layer.

#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/kernels/simd/activations.hpp>
#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

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
