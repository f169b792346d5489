#pragma once
// The products of some pixels with the weights of some vectors of output channels, in registers: a
// tile of images in blocks of channels. Written on F32.

#include <array>
#include <utility>

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/simd/conv_epilogue.hpp>

namespace verge::kernels::VERGE_ISA {

constexpr int kBlockLanes = 16;
#if VERGE_LANES == 16 || defined(__ARM_NEON)
constexpr int kMostVectors = 4;  // of 32 registers: sums, a group's weights and a value
constexpr int kMostPixels[] = {14, 14, 9, 6};
#else
constexpr int kMostVectors = 2;  // of 16
constexpr int kMostPixels[] = {8, 6};
#endif
constexpr int kSumFloats = 32 * kLanes;  // of any tile

/// The products of a tile: of its pixels with the weights of a group.
struct TileProducts {
  int64_t blocks, rows, columns, lanes, last_lanes;
  int64_t x_block, x_row, x_column, x_lane, x_pixel;
  int64_t w_block, w_row, w_column;
  WeightsAhead ahead;

  int64_t steps() const { return blocks * rows * columns; }
};

/// How the results of a tile go to y as they leave the registers: where nothing follows the product
/// but a residual and a relu.
struct TileResults {
  float* y = nullptr;               // the first pixel of the first vector
  const float* residual = nullptr;  // like y, or null
  int64_t vector_at[4] = {};        // of each vector, from y
  F32 least = {}, most = {};
  bool activates_sum = false;
};

template <int Vectors, int Pixels>
VERGE_INLINE void store_results(const TileResults& out, const F32 (&acc)[Pixels][Vectors]) {
  const float* other = out.residual;
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v) {
#pragma GCC unroll 16
    for (int i = 0; i < Pixels; ++i) {
      const int64_t place = out.vector_at[v] + i * kBlockLanes;
      F32 x = acc[i][v];
      if (other != nullptr && out.activates_sum) x = x + load(other + place);
      x = out.least > x ? out.least : x;
      x = x > out.most ? out.most : x;
      if (other != nullptr && !out.activates_sum) x = x + load(other + place);
      store(out.y + place, x);
    }
  }
}

/// sums[pixel][vector] = what stands there, or `bias`[vector] if there is one, + the products; with
/// `out` they go there. Unit: lanes and pixels of the source lie as in a block of 16.
template <int Vectors, bool Unit, int Pixels>
void sum_pixels(const TileProducts& p, const float* x, const float* w, const float* bias,
                float* sums, const TileResults* out) {
  if (out != nullptr) {  // lines that are written are wanted by then
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
#pragma GCC unroll 16
      for (int i = 0; i < Pixels; ++i) {
        __builtin_prefetch(out->y + out->vector_at[v] + i * kBlockLanes, 1);
      }
    }
  }
  const int64_t pixel = Unit ? kBlockLanes : p.x_pixel, lane = Unit ? 1 : p.x_lane;
  constexpr int64_t kLine = 16;
  // Without steps, where the whole kernel lies outside of the image, nothing is fetched either.
  const int64_t of_lines = kLine * p.steps();
  const int64_t lines_ahead =
      p.ahead.floats == 0 || of_lines == 0 ? 0 : (p.ahead.floats - 1) / of_lines + 1;
  const float* ahead = p.ahead.from;
  F32 acc[Pixels][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Pixels; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      acc[i][v] = load(bias == nullptr ? sums + (i * Vectors + v) * kLanes : bias + v * kLanes);
    }
  }
  for (int64_t b = 0; b < p.blocks; ++b) {
    const int64_t lanes = b + 1 < p.blocks ? p.lanes : p.last_lanes;
    for (int64_t r = 0; r < p.rows; ++r) {
      for (int64_t c = 0; c < p.columns; ++c) {
        const float* from = x + b * p.x_block + r * p.x_row + c * p.x_column;
        const float* weights = w + b * p.w_block + r * p.w_row + c * p.w_column;
        if constexpr (Unit) {  // what the next tile reads, from far apart
#pragma GCC unroll 16
          for (int i = 0; i < Pixels; ++i) __builtin_prefetch(from + (Pixels + i) * pixel);
        }
        for (int64_t i = 0; i < lines_ahead; ++i, ahead += kLine) __builtin_prefetch(ahead, 0, 2);
        for (int64_t l = 0; l < lanes; ++l, from += lane, weights += Vectors * kLanes) {
          F32 weight[Vectors];
#pragma GCC unroll 16
          for (int v = 0; v < Vectors; ++v) weight[v] = load(weights + v * kLanes);
#pragma GCC unroll 16
          for (int i = 0; i < Pixels; ++i) {
            const F32 value = splat(from[i * pixel]);
#pragma GCC unroll 16
            for (int v = 0; v < Vectors; ++v) acc[i][v] = fma(value, weight[v], acc[i][v]);
          }
        }
      }
    }
  }
  if (out != nullptr) return store_results(*out, acc);
#pragma GCC unroll 16
  for (int i = 0; i < Pixels; ++i) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) store(sums + (i * Vectors + v) * kLanes, acc[i][v]);
  }
}

using SumPixels = void (*)(const TileProducts&, const float*, const float*, const float*, float*,
                           const TileResults*);

/// The function for each number of pixels.
template <int Vectors, bool Unit, int... Less>
constexpr auto sums_of(std::integer_sequence<int, Less...>) {
  return std::array<SumPixels, sizeof...(Less)>{sum_pixels<Vectors, Unit, Less + 1>...};
}
template <int Vectors, bool Unit>
constexpr auto kSums =
    sums_of<Vectors, Unit>(std::make_integer_sequence<int, kMostPixels[Vectors - 1]>());

}  // namespace verge::kernels::VERGE_ISA
