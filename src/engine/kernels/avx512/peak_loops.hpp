#pragma once
// The busy loops of 512-bit vectors.

#include <immintrin.h>

#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels::VERGE_ISA {
namespace {

constexpr int kSums = 16;  // latency up to 10 on one unit or 5 on two; GCC keeps 16 in registers

float f32(int64_t rounds, const void* operands) {
  const __m512 x = _mm512_loadu_ps(operands);
  const __m512 y = _mm512_loadu_ps(static_cast<const float*>(operands) + 16);
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = x;
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(x, y, sum);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}

#if defined(__AVX512BF16__)
float bf16(int64_t rounds, const void* operands) {
  const __m512bh x = reinterpret_cast<__m512bh>(_mm512_loadu_si512(operands));
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, x, x);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}
#else
constexpr PeakLoop bf16 = nullptr;
#endif

float int8(int64_t rounds, const void* operands) {
  const __m512i x = _mm512_loadu_si512(operands);
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = x;
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m512i& sum : sums) sum = _mm512_dpbusd_epi32(sum, x, x);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  return static_cast<float>(_mm512_cvtsi512_si32(sums[0]));
}

uint64_t read(const std::byte* data, int64_t bytes) {
  __m512i sums[8] = {};
  for (int64_t i = 0; i < bytes; i += 512) {
    for (int j = 0; j < 8; ++j) {
      sums[j] = _mm512_add_epi64(sums[j], _mm512_load_si512(data + i + 64 * j));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm512_add_epi64(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(sums[0])));
}

}  // namespace

const PeakLoops kPeakLoops = {.f32 = f32,
                              .f32_operations = 2 * 16 * kSums,
                              .bf16 = bf16,
                              .bf16_operations = 2 * 32 * kSums,
                              .int8 = int8,
                              .int8_operations = 2 * 64 * kSums,
                              .read = read};

}  // namespace verge::kernels::VERGE_ISA
