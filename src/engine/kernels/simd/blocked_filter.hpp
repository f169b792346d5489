#pragma once
// Depthwise convolution over blocks of channels, written on F32; blocked_run.hpp says what filter()
// does.

#include <verge/engine/kernels/simd/blocked_conv.hpp>

namespace verge::kernels::VERGE_ISA {

/// What the rows of a depthwise run share, and where one of them lies.
struct FilterRow {
  const Conv2d& conv;
  const BlockedRun& run;
  int64_t column, row, pixel;  // floats from one to the next
  int64_t first_row = 0, end_row = 0;
  const float* x = nullptr;  // under kernel row 0, column 0 of output column 0; may lie outside
  int64_t place = 0;         // of output column 0 in y

  explicit FilterRow(const BlockedRun& of)
      : conv(*of.conv),
        run(of),
        column(conv.dilation_width * of.source.pixel_stride),
        row(conv.dilation_height * of.source.row_stride),
        pixel(conv.stride_width * of.source.pixel_stride) {}

  void move_to(int64_t output_row) {
    const int64_t top = output_row * conv.stride_height - conv.pad_top;
    rows_within(conv, top, first_row, end_row);
    x = run.source.data + top * run.source.row_stride - conv.pad_left * run.source.pixel_stride;
    place = (output_row - run.output_row) * conv.out_width() * kBlockLanes + run.first_lane;
  }
};

/// Depthwise, of Pixels neighbours for which the columns [begin, end) of the kernel are within the
/// image. Columns: how many there are, or 0 for any number.
template <int Pixels, int Columns, typename Finish>
VERGE_INLINE void filter_pixels(const FilterRow& f, int64_t first, int64_t begin, int64_t end,
                                F32 bias, Finish finish) {
  const int64_t columns = Columns > 0 ? Columns : end - begin;
  F32 acc[Pixels];
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; ++i) acc[i] = bias;
  for (int64_t r = f.first_row; r < f.end_row; ++r) {
    const float* w = f.run.weights + (r * f.conv.kernel_width + begin) * kLanes;
    const float* x = f.x + first * f.pixel + r * f.row + begin * f.column;
    for (int64_t k = 0; k < columns; ++k, x += f.column) {
      const F32 weight = load(w + k * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < Pixels; ++i) acc[i] = fma(weight, load(x + i * f.pixel), acc[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Pixels; ++i) {
    const int64_t place = f.place + (first + i) * kBlockLanes;
    store(f.run.y + place, finish(acc[i], f.run.residual, place, int64_t{kLanes}));
  }
}

/// The output columns of which all kernel columns lie within the image.
struct InnerColumns {
  int64_t first, end;

  InnerColumns(const Conv2d& c, int64_t from, int64_t to) {
    const int64_t room = c.in_width - 1 - (c.kernel_width - 1) * c.dilation_width + c.pad_left;
    first = (c.pad_left + c.stride_width - 1) / c.stride_width;
    first = first < from ? from : first > to ? to : first;
    end = room < 0 ? 0 : room / c.stride_width + 1;
    end = end < first ? first : end > to ? to : end;
  }
};

template <int Columns, typename Finish>
VERGE_INLINE void filter_row(const FilterRow& f, const InnerColumns& inner, F32 bias,
                             Finish finish) {
  const Conv2d& c = f.conv;
  const auto edge = [&](int64_t column) {
    const int64_t at = column * c.stride_width - c.pad_left, step = c.dilation_width;
    const int64_t low = at >= 0 ? 0 : steps_over(-at, step);
    const int64_t high = at >= c.in_width ? 0 : steps_over(c.in_width - at, step);
    const int64_t end = high < c.kernel_width ? high : c.kernel_width;
    filter_pixels<1, 0>(f, column, low < end ? low : end, end, bias, finish);
  };
  const int64_t end = f.run.first + f.run.count;
  int64_t p = f.run.first;
  for (; p < inner.first; ++p) edge(p);
  for (; p + 8 <= inner.end; p += 8)
    filter_pixels<8, Columns>(f, p, 0, c.kernel_width, bias, finish);
  for (; p + 4 <= inner.end; p += 4)
    filter_pixels<4, Columns>(f, p, 0, c.kernel_width, bias, finish);
  for (; p < inner.end; ++p) filter_pixels<1, Columns>(f, p, 0, c.kernel_width, bias, finish);
  for (; p < end; ++p) edge(p);
}

inline void filter_run(const BlockedRun& run) {
  alignas(64) float biases[kLanes];
  load_bias(run, biases);
  const F32 bias = load(biases);
  FilterRow row(run);
  const InnerColumns inner(row.conv, run.first, run.first + run.count);
  with_epilogue(run.conv, [&](auto finish) {
    for (int64_t r = 0; r < run.rows; ++r) {
      row.move_to(run.output_row + r);
      if (row.conv.kernel_width == 3) {
        filter_row<3>(row, inner, bias, finish);
      } else {
        filter_row<0>(row, inner, bias, finish);
      }
    }
  });
}

}  // namespace verge::kernels::VERGE_ISA
