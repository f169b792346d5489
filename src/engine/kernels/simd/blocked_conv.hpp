#pragma once
// Convolution over blocks of channels, written on F32; blocked_run.hpp says what each function
// does.

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/simd/blocked_tile.hpp>

namespace verge::kernels::VERGE_ISA {

/// Whether all kernel columns lie within the image for all of these pixels.
VERGE_INLINE bool is_inner(const Conv2d& c, int64_t first, int64_t count) {
  const int64_t left = first * c.stride_width - c.pad_left;
  const int64_t reach = (c.kernel_width - 1) * c.dilation_width;
  return left >= 0 && left + (count - 1) * c.stride_width + reach < c.in_width;
}

/// Calls body(first kernel column, end, first pixel, end) for each run of kernel columns that lie
/// within the image for the same of the pixels [first, first + count).
template <typename Body>
VERGE_INLINE void for_columns_within(const Conv2d& conv, int64_t first, int64_t count, Body body) {
  if (is_inner(conv, first, count)) return body(0, conv.kernel_width, 0, count);
  const int64_t left = first * conv.stride_width - conv.pad_left;
  int64_t begin = 0, from = 0, to = 0;  // of the run so far
  for (int64_t k = 0; k <= conv.kernel_width; ++k) {
    int64_t low = 0, high = 0;
    if (k < conv.kernel_width) {
      const int64_t at = left + k * conv.dilation_width;
      low = at >= 0 ? 0 : (-at + conv.stride_width - 1) / conv.stride_width;
      high = at >= conv.in_width ? 0 : (conv.in_width - 1 - at) / conv.stride_width + 1;
      if (high > count) high = count;
      if (low >= high) low = high = 0;
    }
    if (k > 0 && low == from && high == to && k < conv.kernel_width) continue;
    if (to > from) body(begin, k, from, to);
    begin = k;
    from = low;
    to = high;
  }
}

/// How many steps it takes to come `distance` further, or more.
VERGE_INLINE int64_t steps_over(int64_t distance, int64_t step) {
  return step == 1 ? distance : (distance + step - 1) / step;
}

/// The kernel rows that lie within the image where the first one reads row `top` of it.
VERGE_INLINE void rows_within(const Conv2d& c, int64_t top, int64_t& first, int64_t& end) {
  first = top >= 0 ? 0 : steps_over(-top, c.dilation_height);
  end = top >= c.in_height ? 0 : steps_over(c.in_height - top, c.dilation_height);
  end = end < c.kernel_height ? end : c.kernel_height;
  first = first < end ? first : end;
}

/// Where the source of kernel row `first_row`, kernel column `column` of an output pixel lies.
VERGE_INLINE const float* source_of(const BlockedRun& run, int64_t pixel, int64_t column) {
  const Conv2d& c = *run.conv;
  const int64_t row =
      run.output_row * c.stride_height - c.pad_top + run.first_row * c.dilation_height;
  const int64_t at = pixel * c.stride_width - c.pad_left + column * c.dilation_width;
  return run.source.data + run.first_block * run.source.block_stride + row * run.source.row_stride +
         at * run.source.pixel_stride;
}

/// What a run does with results in registers, or nothing where more follows than that can.
inline bool results_of_run(const BlockedRun& run, TileResults& out) {
  const Conv2d& c = *run.conv;
  const bool is_relu = c.activation == Activation::Relu || c.activation == Activation::Relu6;
  if ((!is_relu && c.activation != Activation::None) || c.factor != 1 || c.offset != 0)
    return false;
  out.least = splat(is_relu ? 0.0f : -__builtin_inff());
  out.most = splat(c.activation == Activation::Relu6 ? 6.0f : __builtin_inff());
  out.activates_sum = c.activates_sum;
  for (int v = 0; v < run.vectors; ++v) {
    const int64_t lane = run.first_lane + v * kLanes;
    out.vector_at[v] = lane / kBlockLanes * run.y_block_stride + lane % kBlockLanes;
  }
  return run.starts && run.ends;
}

template <int Vectors>
void sum_tile_of_run(const BlockedRun& run, int64_t first, int64_t count, const float* bias,
                     float* sums, const TileResults* out, WeightsAhead ahead) {
  const Conv2d& c = *run.conv;
  const BlockedSource& s = run.source;
  const int64_t vector = Vectors * kLanes, column_floats = s.lanes * vector;
  const bool is_plain = s.lanes == 1;
  const bool is_last = run.end_block == s.blocks;
  for_columns_within(c, first, count, [&](int64_t begin, int64_t end, int64_t from, int64_t to) {
    TileProducts p{};
    p.blocks = run.end_block - run.first_block;
    p.rows = run.end_row - run.first_row;
    p.columns = is_plain ? 1 : end - begin;
    p.lanes = is_plain ? end - begin : s.lanes;  // columns of one plane are summed as lanes
    p.last_lanes = is_plain ? end - begin : is_last ? s.last_lanes : s.lanes;
    p.x_block = s.block_stride;
    p.x_row = c.dilation_height * s.row_stride;
    p.x_column = c.dilation_width * s.pixel_stride;
    p.x_lane = is_plain ? p.x_column : 1;
    p.x_pixel = c.stride_width * s.pixel_stride;
    p.w_column = column_floats;
    p.w_row = c.kernel_width * column_floats;
    p.w_block = c.kernel_height * p.w_row;
    p.ahead = ahead;
    const float* weights =
        run.weights + run.first_block * p.w_block + run.first_row * p.w_row + begin * column_floats;
    const bool is_unit = p.x_lane == 1 && p.x_pixel == kBlockLanes;
    const auto& table = is_unit ? kSums<Vectors, true> : kSums<Vectors, false>;
    table[static_cast<size_t>(to - from - 1)](p, source_of(run, first + from, begin), weights, bias,
                                              sums + from * vector, out);
  });
}

template <int Vectors>
void finish_tile_of_run(const BlockedRun& run, int64_t first, int64_t count, const float* sums) {
  with_epilogue(run.conv, [&](auto finish) {
    for (int64_t i = 0; i < count; ++i) {
      for (int v = 0; v < Vectors; ++v, sums += kLanes) {
        const int64_t lane = run.first_lane + v * kLanes;
        const int64_t place = lane / kBlockLanes * run.y_block_stride + (first + i) * kBlockLanes +
                              lane % kBlockLanes;
        store(run.y + place, finish(load(sums), run.residual, place, int64_t{kLanes}));
      }
    }
  });
}

/// The biases of a group, zeros beyond their number.
VERGE_INLINE void load_bias(const BlockedRun& run, float* bias) {
  for (int64_t i = 0; i < run.vectors * kLanes; ++i) {
    bias[i] = run.bias != nullptr && i < run.bias_count ? run.bias[i] : 0.0f;
  }
}

template <int Vectors>
void multiply_group(const BlockedRun& run) {
  alignas(64) float bias[kMostVectors * kLanes], own[kSumFloats];
  load_bias(run, bias);
  TileResults out;
  const bool is_direct = results_of_run(run, out);
  const int64_t most = kMostPixels[Vectors - 1], vector = Vectors * kLanes;
  const int64_t tiles = (run.count + most - 1) / most;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t at = t * run.count / tiles, count = (t + 1) * run.count / tiles - at;
    const int64_t first = run.first + at;
    const WeightsAhead ahead = run.ahead.part(t, tiles);
    if (is_direct && is_inner(*run.conv, first, count)) {
      out.y = run.y + first * kBlockLanes;
      out.residual = run.residual == nullptr ? nullptr : run.residual + first * kBlockLanes;
      sum_tile_of_run<Vectors>(run, first, count, bias, nullptr, &out, ahead);
      continue;
    }
    float* sums = run.starts && run.ends ? own : run.sums + at * vector;
    for (int64_t i = 0; i < count * Vectors && run.starts; ++i) {
      store(sums + i * kLanes, load(bias + i % Vectors * kLanes));
    }
    sum_tile_of_run<Vectors>(run, first, count, nullptr, sums, nullptr, ahead);
    if (run.ends) finish_tile_of_run<Vectors>(run, first, count, sums);
  }
}

inline void multiply_run(const BlockedRun& run) {
  if constexpr (kMostVectors >= 4) {
    if (run.vectors == 4) return multiply_group<4>(run);
    if (run.vectors == 3) return multiply_group<3>(run);
  }
  if (run.vectors == 2) return multiply_group<2>(run);
  multiply_group<1>(run);
}

}  // namespace verge::kernels::VERGE_ISA
