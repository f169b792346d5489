#pragma once
// The inner loops of forward convolution, written on F32; conv_band.hpp says what each does.

#include <verge/engine/kernels/conv_band.hpp>
#include <verge/engine/kernels/simd/conv_epilogue.hpp>
#include <verge/engine/kernels/simd/taps.hpp>

namespace verge::kernels::VERGE_ISA {

/// A position by row and column, so that tile after tile takes no division.
struct BandPlace {
  int64_t row, column;

  BandPlace(const ConvResult& out, int64_t position)
      : row(position / out.pitch), column(position % out.pitch) {}
  VERGE_INLINE void advance(int64_t positions, int64_t pitch) {
    for (column += positions; column >= pitch; column -= pitch) ++row;
  }
};

/// Stores `count` positions from a place on of `lines` lines; their sums are `pitch` apart, and a
/// vector may be read past the last.
inline void finish_sums(const ConvResult& out, BandPlace place_of_first, int64_t count,
                        int64_t lines, const float* bias, const float* sums, int64_t pitch) {
  with_epilogue(out.epilogue, [&](auto finish) {
    int64_t row = place_of_first.row;
    int64_t column = place_of_first.column;
    for (int64_t at = 0; at < count && row < out.rows; ++row, column = 0) {
      const int64_t run = out.pitch - column < count - at ? out.pitch - column : count - at;
      const int64_t used = run < out.width - column ? run : out.width - column;
      for (int64_t i = 0; i < lines && used > 0; ++i) {
        const int64_t place = i * out.line_stride + row * out.row_stride + column;
        const float* residual = out.residual == nullptr ? nullptr : out.residual + place;
        const float* passed = out.passed == nullptr ? nullptr : out.passed + place;
        const F32 constant = splat(bias == nullptr ? 0.0f : bias[i]);
        for_vectors(used, [&](int64_t j, int64_t lanes) {
          const F32 sum = load(sums + i * pitch + at + j) + constant;
          store_some(out.data + place + j, finish(sum, residual, j, lanes, passed), lanes);
        });
      }
      at += run;
    }
  });
}

/// tile[i * kTapColumns + j], by Vectors vectors of positions.
template <int Rows, int Panel, int Vectors>
void sum_tile(const ConvBand& band, const float* weights, const float* planes, float* tile) {
  F32 acc[Rows][Vectors] = {};
  for (int64_t c = 0; c < band.channels; ++c, planes += band.channel_stride) {
    for (int64_t t = 0; t < band.taps; ++t, weights += Panel) {
      F32 x[Vectors];
      for (int v = 0; v < Vectors; ++v) x[v] = load(planes + band.offsets[t] + v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const F32 w = splat(weights[i]);
        for (int v = 0; v < Vectors; ++v) acc[i][v] = fma(w, x[v], acc[i][v]);
      }
    }
  }
  for (int i = 0; i < Rows; ++i) {
    for (int v = 0; v < Vectors; ++v) store(tile + i * kTapColumns + v * kLanes, acc[i][v]);
  }
}

template <int Panel, int Vectors>
VERGE_INLINE void sum_tile_any(const ConvBand& band, const float* weights, const float* planes,
                               int64_t used_rows, float* tile) {
  constexpr int kThird = (Panel + 2) / 3;
  const auto sum = used_rows > 2 * kThird ? sum_tile<Panel, Panel, Vectors>
                   : used_rows > kThird   ? sum_tile<2 * kThird, Panel, Vectors>
                                          : sum_tile<kThird, Panel, Vectors>;
  sum(band, weights, planes, tile);
}

template <int Panel>
void multiply_band_rows(const ConvBand& band) {
  alignas(64) float tile[(Panel + 1) * kTapColumns];
  const BandPlace first(band.out, band.out.first);
  for (int64_t line = 0; line < band.lines; line += Panel) {
    const int64_t left = band.lines - line;
    const int64_t used = left < Panel ? left : Panel;
    const float* weights = band.weights + line * band.channels * band.taps;
    ConvResult out = band.out;
    out.data += line * out.line_stride;
    if (out.residual != nullptr) out.residual += line * out.line_stride;
    if (out.passed != nullptr) out.passed += line * out.line_stride;
    BandPlace place = first;
    for (int64_t p = 0; p < band.positions; p += kTapColumns) {
      const int64_t rest = band.positions - p;
      if (rest > kLanes) {
        sum_tile_any<Panel, 2>(band, weights, band.planes + p, used, tile);
      } else {
        sum_tile_any<Panel, 1>(band, weights, band.planes + p, used, tile);
      }
      finish_sums(out, place, rest < kTapColumns ? rest : kTapColumns, used,
                  band.bias == nullptr ? nullptr : band.bias + line, tile, kTapColumns);
      place.advance(kTapColumns, out.pitch);
    }
  }
}

/// acc[i] = constant + the taps of output row i at one vector of columns. K: taps are K x K
/// neighbours, so that rows share what they read; 0: they lie anywhere.
template <int K, int Rows>
VERGE_INLINE void filter_rows(const ConvBand& band, const float* planes, float constant,
                              F32 (&acc)[Rows]) {
  const int64_t pitch = band.out.pitch;
  for (int i = 0; i < Rows; ++i) acc[i] = splat(constant);
  if constexpr (K == 0) {
    for (int64_t t = 0; t < band.taps; ++t) {
      const F32 w = splat(band.weights[t]);
      for (int i = 0; i < Rows; ++i) {
        acc[i] = fma(w, load(planes + band.offsets[t] + i * pitch), acc[i]);
      }
    }
  } else {
#pragma GCC unroll 8
    for (int y = 0; y < Rows + K - 1; ++y) {
#pragma GCC unroll 5
      for (int x = 0; x < K; ++x) {
        const F32 value = load(planes + y * pitch + x);
#pragma GCC unroll 4
        for (int i = 0; i < Rows; ++i) {
          if (y - i < 0 || y - i >= K) continue;
          acc[i] = fma(splat(band.weights[(y - i) * K + x]), value, acc[i]);
        }
      }
    }
  }
}

template <int K, int Rows, typename Finish>
VERGE_INLINE void filter_some_rows(const ConvBand& band, int64_t row, Finish finish) {
  const ConvResult& out = band.out;
  for_vectors(out.width, [&](int64_t c, int64_t lanes) {
    F32 acc[Rows];
    filter_rows<K, Rows>(band, band.planes + row * out.pitch + c,
                         band.bias == nullptr ? 0.0f : band.bias[0], acc);
    for (int i = 0; i < Rows; ++i) {
      const int64_t place = (row + i) * out.row_stride + c;
      store_some(out.data + place, finish(acc[i], out.residual, place, lanes, out.passed), lanes);
    }
  });
}

template <int K>
void filter_band_rows(const ConvBand& band) {
  constexpr int kRows = 4;
  with_epilogue(band.out.epilogue, [&](auto finish) {
    int64_t row = 0;
    for (; row + kRows <= band.out.rows; row += kRows) {
      filter_some_rows<K, kRows>(band, row, finish);
    }
    for (; row < band.out.rows; ++row) filter_some_rows<K, 1>(band, row, finish);
  });
}

/// Whether taps are the K x K neighbours of a position.
VERGE_INLINE bool are_neighbours(const ConvBand& band, int64_t k) {
  if (band.taps != k * k) return false;
  for (int64_t t = 0; t < band.taps; ++t) {
    if (band.offsets[t] != t / k * band.out.pitch + t % k) return false;
  }
  return true;
}

inline void filter_band_line(const ConvBand& band, float* line) {
  if (band.out.width >= kLanes) {
    const auto filter = are_neighbours(band, 3)   ? filter_band_rows<3>
                        : are_neighbours(band, 5) ? filter_band_rows<5>
                                                  : filter_band_rows<0>;
    return filter(band);
  }
  filter_taps(band.taps, band.offsets, band.weights, band.bias == nullptr ? 0.0f : band.bias[0],
              band.planes, band.positions, line);
  finish_sums(band.out, BandPlace(band.out, band.out.first), band.positions, 1, nullptr, line,
              band.positions);
}

/// The table for panels of Rows lines.
template <int Rows>
constexpr ConvKernels kConvTable = {Rows, kTapColumns, multiply_band_rows<Rows>, filter_band_line};

}  // namespace verge::kernels::VERGE_ISA
