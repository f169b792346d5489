#pragma once
// BlockedWinogradKernels: the transforms of conv_blocked_winograd.hpp and the products between
// them, one table per instruction set. Internal to this module.

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/winograd_tiles.hpp>

namespace verge::kernels {

/// A group's results of some tiles.
struct BlockedTileResults {
  const Conv2d* conv = nullptr;  // the epilogue
  const float* sums = nullptr;   // [xi][tiles.count][vectors][kLanes]
  int vectors = 1;
  const float* bias = nullptr;  // of the group's channels, bias_count, or null
  int64_t bias_count = 0;
  float* y = nullptr;                          // image 0, the block of the first vector
  const float* residual = nullptr;             // like y, or null
  int64_t first_lane = 0;                      // of the first vector, in that block
  int64_t block_stride = 0, image_stride = 0;  // of y
};

struct BlockedWinogradKernels {
  /// v[xi * plane + tile * 16 + lane] = (B^T d B)[xi] for the tiles d of one block of channels; x
  /// is that block of image 0.
  void (*load)(const WinogradTiles& tiles, const float* x, int64_t image_stride, int64_t plane,
               float* v);
  /// sums[tile][vectors][kLanes] = v [channels / 16][count][16] times weights
  /// [channels][vectors][kLanes].
  void (*multiply)(const float* v, const float* weights, int64_t count, int64_t channels,
                   int vectors, float* sums, WeightsAhead ahead);
  /// y = A^T s A + bias, and what follows in `conv`.
  void (*store)(const WinogradTiles& tiles, const BlockedTileResults& results);
};

/// m is 2 or 4.
const BlockedWinogradKernels& blocked_winograd_kernels(Isa isa, int m);

}  // namespace verge::kernels
