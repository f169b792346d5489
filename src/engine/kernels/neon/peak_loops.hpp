#pragma once
// The peak loops of 64-bit Arm; neon_dot/ compiles them with products of bytes.

#include <arm_neon.h>

#include <verge/engine/kernels/peak_loops.hpp>

#ifndef VERGE_ISA
#define VERGE_ISA neon
#endif

namespace verge::kernels::VERGE_ISA {
namespace {

constexpr int kSums = 24;  // latency 4 on up to four units; 32 registers hold them

float f32(int64_t rounds, const void* operands) {
  const float32x4_t x = vld1q_f32(static_cast<const float*>(operands));
  const float32x4_t y = vld1q_f32(static_cast<const float*>(operands) + 4);
  float32x4_t sums[kSums];
  for (float32x4_t& sum : sums) sum = x;
  for (int64_t round = 0; round < rounds; ++round) {
    for (float32x4_t& sum : sums) sum = vfmaq_f32(sum, x, y);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = vaddq_f32(sums[0], sums[i]);
  return vgetq_lane_f32(sums[0], 0);
}

#if defined(__ARM_FEATURE_DOTPROD)
float int8(int64_t rounds, const void* operands) {
  const int8x16_t x = vld1q_s8(static_cast<const int8_t*>(operands));
  int32x4_t sums[kSums];
  for (int32x4_t& sum : sums) sum = vreinterpretq_s32_s8(x);
  for (int64_t round = 0; round < rounds; ++round) {
    // The product depends on the sum, so that it is not hoisted.
    for (int32x4_t& sum : sums) sum = vdotq_s32(sum, vreinterpretq_s8_s32(sum), x);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = vaddq_s32(sums[0], sums[i]);
  return static_cast<float>(vgetq_lane_s32(sums[0], 0));
}
#endif

uint64_t read(const std::byte* data, int64_t bytes) {
  uint64x2_t sums[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  for (int64_t i = 0; i < bytes / 8; i += 16) {
    for (int j = 0; j < 8; ++j) sums[j] = vaddq_u64(sums[j], vld1q_u64(words + i + 2 * j));
  }
  for (int j = 1; j < 8; ++j) sums[0] = vaddq_u64(sums[0], sums[j]);
  return vgetq_lane_u64(sums[0], 0) + vgetq_lane_u64(sums[0], 1);
}

}  // namespace

const PeakLoops kPeakLoops = {.f32 = f32,
                              .f32_operations = 2 * 4 * kSums,
#if defined(__ARM_FEATURE_DOTPROD)
                              .int8 = int8,
                              .int8_operations = 2 * 16 * kSums,
#endif
                              .read = read};

}  // namespace verge::kernels::VERGE_ISA
