#pragma once
// Pools over blocks of channels, written on F32; blocked_run.hpp says what each function does.

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

/// Calls body(output pixel, first lane, the window's first pixel, its rows, its columns, all but
/// what lies outside of the image) for each vector of a row.
template <typename Body>
VERGE_INLINE void for_windows(const BlockedPoolRow& row, Body body) {
  const Pool2d& p = *row.pool;
  const auto clip = [](int64_t& from, int64_t& to, int64_t extent) {
    from = from > 0 ? from : 0;
    to = to < extent ? to : extent;
  };
  int64_t top = row.row * p.stride_height - p.pad_top, bottom = top + p.kernel_height;
  clip(top, bottom, p.in_height);
  for (int64_t column = 0; column < p.out_width(); ++column) {
    int64_t left = column * p.stride_width - p.pad_left, right = left + p.kernel_width;
    clip(left, right, p.in_width);
    for (int64_t lane = 0; lane < 16; lane += kLanes) {
      const float* from = row.x + (top * p.in_width + left) * 16 + lane;
      body(row.y + column * 16 + lane, from, bottom - top, right - left);
    }
  }
}

template <typename Join>
VERGE_INLINE F32 join_window(const float* from, int64_t rows, int64_t columns, int64_t width,
                             F32 joined, Join join) {
  for (int64_t r = 0; r < rows; ++r, from += width * 16) {
    for (int64_t c = 0; c < columns; ++c) joined = join(joined, load(from + c * 16));
  }
  return joined;
}

inline void max_blocked_row(const BlockedPoolRow& row) {
  for_windows(row, [&](float* to, const float* from, int64_t rows, int64_t columns) {
    const F32 least = splat(-__builtin_inff());
    store(to, join_window(from, rows, columns, row.pool->in_width, least,
                          [](F32 a, F32 b) { return max(b, a); }));
  });
}

inline void average_blocked_row(const BlockedPoolRow& row) {
  const Pool2d& p = *row.pool;
  for_windows(row, [&](float* to, const float* from, int64_t rows, int64_t columns) {
    const int64_t count = p.count_padding ? p.kernel_height * p.kernel_width : rows * columns;
    const F32 sum =
        join_window(from, rows, columns, p.in_width, F32{}, [](F32 a, F32 b) { return a + b; });
    store(to, sum * (1.0f / static_cast<float>(count)));
  });
}

inline void sum_blocked(const float* x, int64_t pixels, float* sum) {
  for (int64_t lane = 0; lane < 16; lane += kLanes) {
    F32 sums[4] = {};
    int64_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
      for (int j = 0; j < 4; ++j) sums[j] = sums[j] + load(x + (i + j) * 16 + lane);
    }
    for (; i < pixels; ++i) sums[0] = sums[0] + load(x + i * 16 + lane);
    store(sum + lane, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
}

}  // namespace verge::kernels::VERGE_ISA
