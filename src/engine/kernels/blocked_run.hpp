#pragma once
// BlockedKernels: the inner loops over images in blocks of channels, one table per instruction set.
// Vectors are of kLanes output channels; a group is some neighbouring vectors that are summed
// together. Strides and offsets are in floats. Internal to this module.

#include <cstdint>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/pool.hpp>

namespace verge::kernels {

/// How the pixels of an image lie that a convolution reads: in `blocks` of `lanes` channels, the
/// last one of `last_lanes`. Plane by plane a block is a channel of one lane.
struct BlockedSource {
  const float* data = nullptr;
  int64_t blocks = 1, lanes = 16, last_lanes = 16;
  int64_t block_stride = 0, row_stride = 0, pixel_stride = 16;
};

/// Weights that are wanted next, fetched from far away while others are multiplied.
struct WeightsAhead {
  const float* from = nullptr;
  int64_t floats = 0;

  /// Part `index` of `count`.
  WeightsAhead part(int64_t index, int64_t count) const {
    const int64_t first = index * floats / count;
    return {from + first, (index + 1) * floats / count - first};
  }
};

/// Neighbouring output pixels of one row, of one group: their sums over the blocks [first_block,
/// end_block) of the source and the rows [first_row, end_row) of the kernel, which are within the
/// image.
struct BlockedRun {
  const Conv2d* conv = nullptr;  // geometry and epilogue
  BlockedSource source;
  int64_t first_block = 0, end_block = 1;
  int64_t first_row = 0, end_row = 1;
  int64_t output_row = 0, rows = 1;  // only filter() takes more, and finds their kernel rows
  int64_t first = 0, count = 0;      // output columns
  const float* weights = nullptr;    // of the group: [blocks][kernel][lanes][vectors][kLanes]
  int vectors = 1;
  WeightsAhead ahead;
  const float* bias = nullptr;  // of the group's channels, bias_count, or null
  int64_t bias_count = 0;
  float* sums = nullptr;  // [count][vectors][kLanes], kept between runs of one group
  bool starts = true, ends = true;
  float* y = nullptr;               // column 0 of the row, lane 0 of the block of the first vector
  const float* residual = nullptr;  // like y, or null
  int64_t first_lane = 0;           // of the first vector, in that block
  int64_t y_block_stride = 0;
};

/// One output row of a pool over one block.
struct BlockedPoolRow {
  const Pool2d* pool = nullptr;
  const float* x = nullptr;  // the block's image
  float* y = nullptr;        // the row
  int64_t row = 0;
};

struct BlockedKernels {
  int lanes;
  int vectors;        // of a group, at most
  const int* pixels;  // of a tile of 1, 2, ... vectors, at most
  void (*multiply)(const BlockedRun& run);
  /// Depthwise: a group is one vector, its source the block with its channels.
  void (*filter)(const BlockedRun& run);
  void (*max_row)(const BlockedPoolRow& row);
  void (*average_row)(const BlockedPoolRow& row);
  /// The sum of `pixels` neighbours, by lane.
  void (*sum)(const float* x, int64_t pixels, float* sum);
};

const BlockedKernels& blocked_kernels(Isa isa);

}  // namespace verge::kernels
