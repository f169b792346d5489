#pragma once
// The micro kernels of a weight's gradient, written on F32; taps.hpp says what each does.

#include <verge/engine/kernels/simd/vec.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels::VERGE_ISA {

constexpr int kTapColumns = 2 * kLanes;

template <int Rows, int Vectors>
void correlate_taps(int64_t positions, const int32_t* offsets, const float* planes,
                    const float* d_out, float* sums) {
  F32 acc[Rows][Vectors];
  const float* x[Rows];
  for (int i = 0; i < Rows; ++i) {
    x[i] = planes + offsets[i];
    for (int v = 0; v < Vectors; ++v) acc[i][v] = load(sums + i * kTapColumns + v * kLanes);
  }
  for (int64_t p = 0; p < positions; ++p, d_out += kTapColumns) {
    F32 d[Vectors];
    for (int v = 0; v < Vectors; ++v) d[v] = load(d_out + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const F32 value = splat(x[i][p]);
      for (int v = 0; v < Vectors; ++v) acc[i][v] = fma(value, d[v], acc[i][v]);
    }
  }
  for (int i = 0; i < Rows; ++i) {
    for (int v = 0; v < Vectors; ++v) store(sums + i * kTapColumns + v * kLanes, acc[i][v]);
  }
}

template <int Rows>
void correlate_taps_any(int64_t positions, const int32_t* offsets, const float* planes,
                        const float* d_out, int64_t used_rows, int64_t used_columns, float* sums) {
  constexpr int kThird = (Rows + 2) / 3;
  const bool is_wide = used_columns > kLanes;
  const auto correlate =
      used_rows > 2 * kThird ? (is_wide ? correlate_taps<Rows, 2> : correlate_taps<Rows, 1>)
      : used_rows > kThird
          ? (is_wide ? correlate_taps<2 * kThird, 2> : correlate_taps<2 * kThird, 1>)
          : (is_wide ? correlate_taps<kThird, 2> : correlate_taps<kThird, 1>);
  correlate(positions, offsets, planes, d_out, sums);
}

/// Adds to the sums of Rows rows of K neighbouring taps, from tap `first` on.
template <int K, int Rows>
VERGE_INLINE void correlate_neighbours(const ChannelGradient& c, int64_t first, float* sums) {
  F32 acc[Rows][K] = {};
  for (int64_t r = 0; r < c.rows; ++r) {
    const float* x = c.planes + c.offsets[first] + r * c.pitch;
    for_vectors(c.width, [&](int64_t i, int64_t lanes) {
      const F32 d = load_some(c.d_out + r * c.d_pitch + i, lanes);
#pragma GCC unroll 3
      for (int a = 0; a < Rows; ++a) {
#pragma GCC unroll 7
        for (int b = 0; b < K; ++b) {
          acc[a][b] = fma(d, load(x + a * c.pitch + i + b), acc[a][b]);
        }
      }
    });
  }
  for (int a = 0; a < Rows; ++a) {
    for (int b = 0; b < K; ++b) sums[first + a * K + b] += sum_lanes(acc[a][b]);
  }
}

/// Adds to the sums of Taps taps, wherever they lie.
template <int Taps>
VERGE_INLINE void correlate_anywhere(const ChannelGradient& c, int64_t first, float* sums) {
  F32 acc[Taps] = {};
  const float* x[Taps];
  for (int t = 0; t < Taps; ++t) x[t] = c.planes + c.offsets[first + t];
  for (int64_t r = 0; r < c.rows; ++r) {
    for_vectors(c.width, [&](int64_t i, int64_t lanes) {
      const F32 d = load_some(c.d_out + r * c.d_pitch + i, lanes);
#pragma GCC unroll 9
      for (int t = 0; t < Taps; ++t) acc[t] = fma(d, load(x[t] + r * c.pitch + i), acc[t]);
    });
  }
  for (int t = 0; t < Taps; ++t) sums[first + t] += sum_lanes(acc[t]);
}

template <int K>
VERGE_INLINE bool has_neighbours(const ChannelGradient& c) {
  if (c.taps != K * K) return false;
  for (int64_t t = 0; t < c.taps; ++t) {
    if (c.offsets[t] - c.offsets[0] != t / K * c.pitch + t % K) return false;
  }
  return true;
}

inline void correlate_channel(const ChannelGradient& c, float* sums) {
  if (has_neighbours<3>(c)) return correlate_neighbours<3, 3>(c, 0, sums);
  if (has_neighbours<5>(c)) {
    for (int64_t row = 0; row < 5; ++row) correlate_neighbours<5, 1>(c, row * 5, sums);
    return;
  }
  if (has_neighbours<7>(c)) {
    for (int64_t row = 0; row < 7; ++row) correlate_neighbours<7, 1>(c, row * 7, sums);
    return;
  }
  int64_t tap = 0;
  for (; tap + 9 <= c.taps; tap += 9) correlate_anywhere<9>(c, tap, sums);
  for (; tap < c.taps; ++tap) correlate_anywhere<1>(c, tap, sums);
}

}  // namespace verge::kernels::VERGE_ISA
