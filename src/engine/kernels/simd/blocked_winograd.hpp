#pragma once
// Winograd's transforms with 16 channels of a place in a block, written on F32; blocked_tiles.hpp
// says what each function does.

#include <verge/engine/kernels/blocked_tiles.hpp>
#include <verge/engine/kernels/simd/blocked_conv.hpp>
#include <verge/engine/kernels/simd/winograd.hpp>

namespace verge::kernels::VERGE_ISA {

/// Where tile `index` over all images lies.
struct TilePlace {
  int64_t image, row, column;  // of its first result

  TilePlace(const WinogradTiles& tiles, int64_t index, int64_t size)
      : image(index / (tiles.down * tiles.across)),
        row(index / tiles.across % tiles.down * size),
        column(index % tiles.across * size) {}
};

template <class F>
void load_blocked_tiles(const WinogradTiles& tiles, const float* x, int64_t image_stride,
                        int64_t plane, float* v) {
  constexpr int kIn = F::kIn;
  for (int64_t t = 0; t < tiles.count; ++t) {
    const TilePlace place(tiles, tiles.first + t, F::kOut);
    const int64_t top = place.row - tiles.pad_top, left = place.column - tiles.pad_left;
    const float* tile = x + place.image * image_stride;
    const bool is_inside =
        top >= 0 && left >= 0 && top + kIn <= tiles.height && left + kIn <= tiles.width;
    for (int64_t lane = 0; lane < kBlockLanes; lane += kLanes) {
      F32 half[kIn][kIn];
      for (int j = 0; j < kIn; ++j) {
        F32 d[kIn], column[kIn];
        for (int i = 0; i < kIn; ++i) {
          const int64_t r = top + i, c = left + j;
          const bool is_there =
              is_inside || (r >= 0 && r < tiles.height && c >= 0 && c < tiles.width);
          d[i] = is_there ? load(tile + (r * tiles.width + c) * kBlockLanes + lane) : F32{};
        }
        F::input(d, column);
        for (int i = 0; i < kIn; ++i) half[i][j] = column[i];
      }
      float* to = v + t * kBlockLanes + lane;
      for (int i = 0; i < kIn; ++i) {
        F32 row[kIn];
        F::input(half[i], row);
        for (int j = 0; j < kIn; ++j) store(to + (i * kIn + j) * plane, row[j]);
      }
    }
  }
}

template <int Vectors>
void multiply_tiles(const float* v, const float* weights, int64_t count, int64_t channels,
                    float* sums, WeightsAhead ahead) {
  constexpr int64_t kVector = Vectors * kLanes, kMost = kMostPixels[Vectors - 1];
  alignas(64) static constexpr float kZeros[kVector] = {};
  TileProducts p{};
  p.blocks = (channels + kBlockLanes - 1) / kBlockLanes;
  p.rows = p.columns = 1;
  p.lanes = kBlockLanes;
  p.last_lanes = channels - (p.blocks - 1) * kBlockLanes;
  p.x_block = count * kBlockLanes;
  p.w_block = kBlockLanes * kVector;
  const int64_t pieces = (count + kMost - 1) / kMost;
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t at = i * count / pieces, some = (i + 1) * count / pieces - at;
    p.ahead = ahead.part(i, pieces);
    kSums<Vectors, true>[static_cast<size_t>(some - 1)](p, v + at * kBlockLanes, weights, kZeros,
                                                        sums + at * kVector, nullptr);
  }
}

inline void multiply_blocked_tiles(const float* v, const float* weights, int64_t count,
                                   int64_t channels, int vectors, float* sums, WeightsAhead ahead) {
  if constexpr (kMostVectors >= 4) {
    if (vectors == 4) return multiply_tiles<4>(v, weights, count, channels, sums, ahead);
    if (vectors == 3) return multiply_tiles<3>(v, weights, count, channels, sums, ahead);
  }
  if (vectors == 2) return multiply_tiles<2>(v, weights, count, channels, sums, ahead);
  multiply_tiles<1>(v, weights, count, channels, sums, ahead);
}

/// y[row * kOut + column] of one tile of one vector; places xi of its sums are `plane` apart.
template <class F>
VERGE_INLINE void blocked_results_of(const float* sums, int64_t plane, F32 bias, F32* y) {
  F32 half[F::kOut][F::kIn];
  for (int j = 0; j < F::kIn; ++j) {
    F32 s[F::kIn], column[F::kOut];
    for (int i = 0; i < F::kIn; ++i) s[i] = load(sums + (i * F::kIn + j) * plane);
    F::output(s, column);
    for (int r = 0; r < F::kOut; ++r) half[r][j] = column[r];
  }
  for (int r = 0; r < F::kOut; ++r) {
    F::output(half[r], y + r * F::kOut);
    for (int c = 0; c < F::kOut; ++c) y[r * F::kOut + c] = y[r * F::kOut + c] + bias;
  }
}

template <class F>
void store_blocked_tiles(const WinogradTiles& tiles, const BlockedTileResults& results) {
  const int64_t vector = results.vectors * kLanes, plane = tiles.count * vector;
  with_epilogue(results.conv, [&](auto finish) {
    for (int v = 0; v < results.vectors; ++v) {
      const int64_t channel = v * kLanes, lane = results.first_lane + channel;
      const int64_t used = results.bias == nullptr ? 0 : results.bias_count - channel;
      const F32 bias = used >= kLanes ? load(results.bias + channel)
                       : used > 0     ? load_part(results.bias + channel, used)
                                      : F32{};
      for (int64_t t = 0; t < tiles.count; ++t) {
        F32 y[F::kOut * F::kOut];
        blocked_results_of<F>(results.sums + t * vector + channel, plane, bias, y);
        const TilePlace at(tiles, tiles.first + t, F::kOut);
        const int64_t first = at.image * results.image_stride +
                              lane / kBlockLanes * results.block_stride + lane % kBlockLanes;
        for (int64_t r = 0; r < F::kOut && at.row + r < tiles.out_height; ++r) {
          for (int64_t c = 0; c < F::kOut && at.column + c < tiles.out_width; ++c) {
            const int64_t place =
                first + ((at.row + r) * tiles.out_width + at.column + c) * kBlockLanes;
            store(results.y + place,
                  finish(y[r * F::kOut + c], results.residual, place, int64_t{kLanes}));
          }
        }
      }
    }
  });
}

template <class F>
constexpr BlockedWinogradKernels kBlockedWinogradTable = {
    load_blocked_tiles<F>, multiply_blocked_tiles, store_blocked_tiles<F>};

}  // namespace verge::kernels::VERGE_ISA
