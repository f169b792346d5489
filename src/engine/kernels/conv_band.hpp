#pragma once
// ConvKernels: the inner loops of a forward convolution, one table per instruction set. Positions
// of a band are numbered as in taps.hpp, row by row with a pitch. Internal to this module.

#include <cstdint>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels {

/// What becomes of sums: `lines` output channels, line_stride apart, of `rows` rows of `width`
/// values, row_stride apart. The first sum is position `first` of rows that are `pitch` apart;
/// positions beyond a row's width are dropped.
struct ConvResult {
  float* data = nullptr;
  const float *residual = nullptr, *passed = nullptr;  // where they lie like data
  int64_t line_stride = 0, row_stride = 0;
  int64_t rows = 0, width = 0, pitch = 0;
  int64_t first = 0;
  const Conv2d* epilogue = nullptr;  // what follows the product; null: nothing
};

/// out[line][p] = bias[line] + sum over channels c and taps t of weights[line][c][t] *
/// planes[c * channel_stride + offsets[t] + p].
struct ConvBand {
  const float* planes;
  int64_t channels, channel_stride;
  int64_t taps;
  const int32_t* offsets;
  const float* weights;  // panels [channels][taps][ConvKernels::rows]
  const float* bias;     // [lines] or null
  int64_t lines, positions;
  ConvResult out;
};

struct ConvKernels {
  int rows;     // lines of a panel of weights
  int columns;  // positions that are summed at once: as many may be read past the last one

  void (*multiply)(const ConvBand& band);
  /// One line over one channel: depthwise. weights[taps]; `line` holds positions + columns floats.
  void (*filter)(const ConvBand& band, float* line);
};

const ConvKernels& conv_kernels(Isa isa);

}  // namespace verge::kernels
