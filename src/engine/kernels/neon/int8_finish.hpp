#pragma once
// What becomes of the sums of a product of levels on 64-bit Arm: for 16 outputs at once.

#include <cstring>

#include <arm_neon.h>

#include <verge/engine/kernels/simd/int8_plain.hpp>

#ifndef VERGE_ISA
#define VERGE_ISA neon
#endif
#define VERGE_INLINE inline __attribute__((always_inline))

namespace verge::kernels::VERGE_ISA {
namespace {

constexpr int kParts = 4;  // vectors of sums of 16 outputs

/// What becomes of the sums of 16 outputs.
struct Finish {
  int32x4_t addend[kParts];
  float32x4_t multiplier[kParts];

  /// `taken`: sums of the weights that were multiplied with 127 - x; null: none.
  Finish(const Int8Out& out, int64_t first, const int32_t* taken) {
    uint32_t addends[kPanelOutputs] = {};
    float factors[kPanelOutputs] = {};
    const int64_t count = std::min(kPanelOutputs, out.outputs - first);
    const uint32_t shift = 128 - static_cast<uint32_t>(out.x_zero);
    for (int64_t o = 0; o < count; ++o) {
      addends[o] = shift * static_cast<uint32_t>(out.sums[first + o]);
      if (taken != nullptr) addends[o] -= static_cast<uint32_t>(taken[o]);
      if (out.how.bias != nullptr) addends[o] += static_cast<uint32_t>(out.how.bias[first + o]);
      factors[o] = out.how.multiplier[first + o];
    }
    for (int v = 0; v < kParts; ++v) {
      addend[v] = vreinterpretq_s32_u32(vld1q_u32(addends + 4 * v));
      multiplier[v] = vld1q_f32(factors + 4 * v);
    }
  }
};

/// A number becomes the nearest level, what is none the largest.
VERGE_INLINE uint8x16_t to_levels(const float32x4_t (&reals)[kParts], const Requantize& how) {
  const float32x4_t least = vdupq_n_f32(how.least), most = vdupq_n_f32(how.most);
  int16x8_t whole[kParts];
#pragma GCC unroll 4
  for (int v = 0; v < kParts; ++v) {
    const float32x4_t clipped = vmaxnmq_f32(vminnmq_f32(reals[v], most), least);
    whole[v] = vreinterpretq_s16_s32(vcvtnq_s32_f32(clipped));
  }
  const int8x16_t low = vreinterpretq_s8_s16(vuzp1q_s16(whole[0], whole[1]));
  const int8x16_t high = vreinterpretq_s8_s16(vuzp1q_s16(whole[2], whole[3]));
  return vaddq_u8(vreinterpretq_u8_s8(vuzp1q_s8(low, high)),
                  vdupq_n_u8(static_cast<uint8_t>(how.zero)));
}

VERGE_INLINE void put(const Int8Out& out, const Finish& finish, int64_t pixel, int64_t first,
                      const int32x4_t (&sums)[kParts]) {
  std::byte* to = out.y + pixel * out.pixel_bytes;
  const int64_t count = std::min(kPanelOutputs, out.outputs - first);
  float32x4_t reals[kParts];
#pragma GCC unroll 4
  for (int v = 0; v < kParts; ++v) {
    reals[v] = vmulq_f32(vcvtq_f32_s32(sums[v]), finish.multiplier[v]);
  }
  if (out.how.to == DType::F32) {
    float values[kPanelOutputs];
    for (int v = 0; v < kParts; ++v) vst1q_f32(values + 4 * v, reals[v]);
    std::memcpy(to + 4 * first, values, static_cast<size_t>(4 * count));
    return;
  }
  const uint8x16_t levels = to_levels(reals, out.how);
  if (count == kPanelOutputs) {
    vst1q_u8(reinterpret_cast<uint8_t*>(to + first), levels);
    return;
  }
  uint8_t some[kPanelOutputs];
  vst1q_u8(some, levels);
  std::memcpy(to + first, some, static_cast<size_t>(count));
}

}  // namespace
}  // namespace verge::kernels::VERGE_ISA
