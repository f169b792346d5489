#pragma once
// The two products of a low-rank adapter, for up to kAdapterTile rows that share it. A row's sums
// have one order, whoever is beside it.

#include <verge/engine/kernels/rows.hpp>
#include <verge/engine/kernels/simd/stored.hpp>

namespace verge::kernels::VERGE_ISA {

/// Four rows of A at once.
template <typename Stored, int Rows>
VERGE_INLINE void adapter_down_block(int64_t n, const float* const* x, int64_t ranks,
                                     const uint8_t* a, int64_t row_bytes, float scale,
                                     float* const* h) {
  const uint8_t* lines[kAdapterRanks];
  for (int64_t r = 0; r < kAdapterRanks; ++r)
    lines[r] = a + (r < ranks ? r : ranks - 1) * row_bytes;
  F32 acc[Rows][kAdapterRanks] = {};
  for_vectors(n, [&](int64_t i, int64_t used) {
    F32 line[kAdapterRanks];
#pragma GCC unroll 4
    for (int r = 0; r < kAdapterRanks; ++r) line[r] = load_stored<Stored>(lines[r], i, used);
#pragma GCC unroll 4
    for (int t = 0; t < Rows; ++t) {
      const F32 value = load_some(x[t] + i, used);
#pragma GCC unroll 4
      for (int r = 0; r < kAdapterRanks; ++r) acc[t][r] = fma(value, line[r], acc[t][r]);
    }
  });
  for (int t = 0; t < Rows; ++t) {
    float sums[kAdapterRanks];
    sum_lanes_of_four(acc[t][0], acc[t][1], acc[t][2], acc[t][3], sums);
    for (int64_t r = 0; r < ranks; ++r) h[t][r] = scale * sums[r];
  }
}

template <typename Stored, int Rows, int Vectors>
VERGE_INLINE void adapter_up_columns(int64_t ranks, const float* const* h, const uint8_t* b,
                                     int64_t row_bytes, int64_t i, float* const* y) {
  F32 acc[Rows][Vectors];
#pragma GCC unroll 4
  for (int t = 0; t < Rows; ++t) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) acc[t][v] = load(y[t] + i + v * kLanes);
  }
  for (int64_t r = 0; r < ranks; ++r, b += row_bytes) {
    F32 weight[Rows];
#pragma GCC unroll 4
    for (int t = 0; t < Rows; ++t) weight[t] = splat(h[t][r]);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const F32 value = Stored::load(b, i + v * kLanes);
#pragma GCC unroll 4
      for (int t = 0; t < Rows; ++t) acc[t][v] = fma(weight[t], value, acc[t][v]);
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < Rows; ++t) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(y[t] + i + v * kLanes, acc[t][v]);
  }
}

template <typename Stored, int Rows>
VERGE_INLINE void adapter_up_block(int64_t n, int64_t ranks, const float* const* h,
                                   const uint8_t* b, int64_t row_bytes, float* const* y) {
  constexpr int kVectors = kLanes == 16 ? 4 : 2;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= n; i += kVectors * kLanes) {
    adapter_up_columns<Stored, Rows, kVectors>(ranks, h, b, row_bytes, i, y);
  }
  for (; i + kLanes <= n; i += kLanes) {
    adapter_up_columns<Stored, Rows, 1>(ranks, h, b, row_bytes, i, y);
  }
  if (i == n) return;
  for (int t = 0; t < Rows; ++t) {
    F32 sum = load_some(y[t] + i, n - i);
    for (int64_t r = 0; r < ranks; ++r) {
      sum = fma(splat(h[t][r]), load_stored<Stored>(b + r * row_bytes, i, n - i), sum);
    }
    store_some(y[t] + i, sum, n - i);
  }
}

template <int Rows>
struct AdapterRows {
  static constexpr int kRows = Rows;
};

/// Calls body(type of stored values, AdapterRows, first row) for pieces of 4 rows where the
/// registers suffice, then of 2 and 1.
template <typename Body>
VERGE_INLINE void with_adapter_tile(DType dtype, int64_t rows, Body body) {
  with_stored(dtype, [&](auto stored) {
    int64_t first = 0;
    for (; kLanes == 16 && first + 4 <= rows; first += 4) body(stored, AdapterRows<4>(), first);
    for (; first + 2 <= rows; first += 2) body(stored, AdapterRows<2>(), first);
    for (; first < rows; ++first) body(stored, AdapterRows<1>(), first);
  });
}

inline void adapter_down(DType dtype, int64_t n, int64_t rows, const float* const* x, int64_t ranks,
                         const void* a, int64_t row_bytes, float scale, float* const* h) {
  with_adapter_tile(dtype, rows, [&](auto stored, auto count, int64_t first) {
    adapter_down_block<decltype(stored), decltype(count)::kRows>(
        n, x + first, ranks, static_cast<const uint8_t*>(a), row_bytes, scale, h + first);
  });
}

inline void adapter_up(DType dtype, int64_t n, int64_t rows, int64_t ranks, const float* const* h,
                       const void* b, int64_t row_bytes, float* const* y) {
  with_adapter_tile(dtype, rows, [&](auto stored, auto count, int64_t first) {
    adapter_up_block<decltype(stored), decltype(count)::kRows>(
        n, ranks, h + first, static_cast<const uint8_t*>(b), row_bytes, y + first);
  });
}

}  // namespace verge::kernels::VERGE_ISA
