#pragma once
// What this machine can do at most, measured in the same run as what is compared with it: bytes
// read from memory and int8 multiply-adds, on all threads of a pool.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include <verge/core/threads.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace verge::bench {

/// Median seconds of `runs` calls, after one that warms up.
template <typename Call>
double median_seconds(int runs, Call&& call) {
  call();
  std::vector<double> seconds(runs);
  for (double& value : seconds) {
    const auto start = std::chrono::steady_clock::now();
    call();
    value = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::nth_element(seconds.begin(), seconds.begin() + runs / 2, seconds.end());
  return seconds[runs / 2];
}

inline volatile uint64_t sink;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) inline uint64_t read_range(const uint8_t* p, int64_t bytes) {
  __m512i sums[4] = {};
  for (int64_t at = 0; at + 256 <= bytes; at += 256) {
    for (int i = 0; i < 4; ++i) {
      sums[i] = _mm512_xor_si512(sums[i], _mm512_loadu_si512(p + at + 64 * i));
    }
  }
  const __m512i all =
      _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3]));
  return static_cast<uint64_t>(_mm512_reduce_add_epi64(all));
}

__attribute__((target("avx512f,avx512vnni"))) inline uint64_t multiply_bytes(int64_t steps) {
  constexpr int kSums = 12;
  __m512i sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_epi32(i);  // else they are one sum
  __m512i a = _mm512_set1_epi8(3);
  const __m512i b = _mm512_set1_epi8(5);
  for (int64_t step = 0; step < steps; ++step) {
    asm volatile("" : "+v"(a));
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
  }
  __m512i all = sums[0];
  for (int i = 1; i < kSums; ++i) all = _mm512_add_epi32(all, sums[i]);
  return static_cast<uint64_t>(_mm512_reduce_add_epi32(all));
}
#endif

/// GB/s of reading `bytes` at `p`, all threads together.
inline double read_rate(ThreadPool& pool, const void* p, int64_t bytes, int runs) {
  const double seconds = median_seconds(runs, [&] {
    pool.run([&](Worker& worker) {
      const auto [first, last] = worker.split(bytes, 4096);
      sink = read_range(static_cast<const uint8_t*>(p) + first, last - first);
    });
  });
  return static_cast<double>(bytes) / seconds * 1e-9;
}

/// int8 GOP/s (a multiply and an add are two), all threads together.
inline double int8_rate(ThreadPool& pool) {
  constexpr int64_t kSteps = 2'000'000;
  const double seconds =
      median_seconds(5, [&] { pool.run([&](Worker&) { sink = multiply_bytes(kSteps); }); });
  return static_cast<double>(pool.size() * kSteps * 12 * 64 * 2) / seconds * 1e-9;
}

}  // namespace verge::bench
