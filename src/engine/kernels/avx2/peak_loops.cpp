#if defined(__x86_64__)
#include <immintrin.h>

#include <verge/engine/kernels/peak_loops.hpp>

namespace verge::kernels::avx2 {
namespace {

constexpr int kSums = 12;  // latency 4 on two units needs eight; sixteen registers hold twelve

float f32(int64_t rounds, const void* operands) {
  const __m256 x = _mm256_loadu_ps(static_cast<const float*>(operands));
  const __m256 y = _mm256_loadu_ps(static_cast<const float*>(operands) + 8);
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = x;
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(x, y, sum);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

float int8(int64_t rounds, const void* operands) {
  const __m256i x = _mm256_loadu_si256(static_cast<const __m256i*>(operands));
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = x;
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m256i& sum : sums) {  // the product depends on the sum, so that it is not hoisted
      const __m256i pairs = _mm256_maddubs_epi16(sum, x);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
  }
  for (int i = 1; i < kSums; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  return static_cast<float>(_mm256_extract_epi32(sums[0], 0));
}

uint64_t read(const std::byte* data, int64_t bytes) {
  __m256i sums[8] = {};
  for (int64_t i = 0; i < bytes; i += 256) {
    for (int j = 0; j < 8; ++j) {
      const auto* from = reinterpret_cast<const __m256i*>(data + i) + j;
      sums[j] = _mm256_add_epi64(sums[j], _mm256_load_si256(from));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_add_epi64(sums[0], sums[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

}  // namespace

const PeakLoops kPeakLoops = {.f32 = f32,
                              .f32_operations = 2 * 8 * kSums,
                              .int8 = int8,
                              .int8_operations = 2 * 32 * kSums,
                              .read = read};

}  // namespace verge::kernels::avx2
#endif
