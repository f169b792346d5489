#pragma once
// Convolution as products over taps: what conv.cpp and its gradients share. A source image becomes
// planes (Lattice); a tap is a constant offset in them, so one row of the im2col matrix is a piece
// of the planes. Positions of an output band are numbered row by row with the planes' pitch, so
// between two rows lie `halo_width` positions that mean nothing. Internal to this module.

#include <cstdint>

#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

struct Lattice;

/// Of one channel alone: sums[t] += sum over rows r and columns c of d_out[r * d_pitch + c] *
/// planes[offsets[t] + r * pitch + c]. Rows of planes are read up to a whole vector.
struct ChannelGradient {
  int64_t taps;
  const int32_t* offsets;
  const float* planes;
  int64_t pitch;
  const float* d_out;
  int64_t d_pitch;
  int64_t rows, width;
};

struct Conv2d;

/// A row of a depthwise data gradient of stride 2: out[2 j] and out[2 j + 1] are sums of weights[t]
/// * planes[offsets[t] + j] over `even` taps and over the `odd` ones that follow, with the
/// epilogue.
struct SpreadRow {
  const float* planes;
  const int32_t* offsets;
  const float* weights;
  int64_t even, odd;
  int64_t width;
  float* out;
  const float *residual, *passed;
  const Conv2d* epilogue;
};

struct TapKernels {
  int rows;     // lines of a packed panel of weights, as in TileKernels
  int columns;  // positions of one micro tile

  /// tile[i * columns + j] = sum_t weights[t * rows + i] * planes[offsets[t] + j].
  void (*multiply)(int64_t taps, const int32_t* offsets, const float* weights, const float* planes,
                   int64_t used_rows, float* tile);
  /// out[p] = constant + sum_t weights[t] * planes[offsets[t] + p] for one channel.
  void (*filter)(int64_t taps, const int32_t* offsets, const float* weights, float constant,
                 const float* planes, int64_t positions, float* out);
  /// sums[i * columns + j] += sum_p planes[offsets[i] + p] * d_out[p * columns + j] for used_rows
  /// (at most rows) taps and used_columns (at most columns) output channels; more may be added to.
  void (*correlate)(int64_t positions, const int32_t* offsets, const float* planes,
                    const float* d_out, int64_t used_rows, int64_t used_columns, float* sums);
  void (*correlate_channel)(const ChannelGradient& channel, float* sums);
  void (*spread_row)(const SpreadRow& row);
  /// Fills the planes for output rows [first, first + rows) of an image [channels, height, width].
  void (*load_planes)(const Lattice& lattice, const float* image, int64_t first, int64_t rows,
                      float* planes);
  /// out[i] = in[i * step] for i < count.
  void (*copy_every)(int64_t count, int64_t step, const float* in, float* out);
};

const TapKernels& tap_kernels(Isa isa);

/// Planes of one image: plane (channel, a, b)[r][c] = image[channel][r * step_height + a -
/// origin_height][c * step_width + b - origin_width], zero outside.
struct Lattice {
  int64_t channels = 0, height = 0, width = 0;  // of the source
  int64_t step_height = 1, step_width = 1;
  int64_t phases_height = 1, phases_width = 1;  // of a step, those that taps reach
  int64_t origin_height = 0, origin_width = 0;
  int64_t halo_height = 0, halo_width = 0;  // how far taps reach beyond their position
  int64_t out_height = 0, out_width = 0;    // positions
  int64_t band = 1;                         // output rows per load

  // Always inlined: what the folders of instruction sets use must not be shared between them.
  [[gnu::always_inline]] int64_t pitch() const { return out_width + halo_width; }
  [[gnu::always_inline]] int64_t plane_size() const { return (band + halo_height) * pitch(); }
  [[gnu::always_inline]] int64_t planes() const { return channels * phases_height * phases_width; }
  /// Floats of the buffer: micro tiles read past the last plane.
  [[gnu::always_inline]] int64_t buffer_size() const { return planes() * plane_size() + 64; }
  int64_t bands() const { return (out_height + band - 1) / band; }
  int64_t band_rows(int64_t index) const {
    const int64_t left = out_height - index * band;
    return left < band ? left : band;
  }
  /// Positions of a band, without the meaningless ones after its last row.
  int64_t positions(int64_t rows) const { return (rows - 1) * pitch() + out_width; }
  /// The offset of a tap whose source row is r * step_height + height_reach, and so for columns.
  int32_t offset(int64_t channel, int64_t height_reach, int64_t width_reach) const {
    const int64_t plane = (channel * phases_height + height_reach % step_height) * phases_width +
                          width_reach % step_width;
    return static_cast<int32_t>(plane * plane_size() + height_reach / step_height * pitch() +
                                width_reach / step_width);
  }
};

/// Chooses `band` so that its planes hold `floats` at most, if a row does: by default, what stays
/// in an L2 cache of 512 KB or more.
void choose_band(Lattice& lattice, int64_t floats = 96 * 1024);

/// Where positions go: out[channel * channel_stride + row * row_stride + column * column_stride].
struct TapOutput {
  float* data;
  int64_t channel_stride, row_stride, column_stride;
};

/// One band: `channels` outputs of packed weights over taps.
struct TapProduct {
  int64_t channels, taps;
  const int32_t* offsets;
  const float* weights;  // packed, or [channels, taps] for filter_band
};
/// Every output channel sums over the taps of all channels.
void multiply_band(const TapKernels& kernels, const Lattice& lattice, const TapProduct& product,
                   const float* planes, int64_t rows, const TapOutput& out, float* tile);
/// Depthwise: output channel i sums over its own `taps` offsets[i * taps ...] and weights; `line`
/// holds positions() floats.
void filter_band(const TapKernels& kernels, const Lattice& lattice, const TapProduct& product,
                 const float* planes, int64_t rows, const TapOutput& out, float* line);

}  // namespace verge::kernels
