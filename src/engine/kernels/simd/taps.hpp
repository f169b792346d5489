#pragma once
// The micro kernels of convolution, written on F32; taps.hpp says what each does.

#include <verge/engine/kernels/simd/lanes.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels::VERGE_ISA {

constexpr int kTapColumns = 2 * kLanes;

template <int Rows, int Panel>
void multiply_taps(int64_t taps, const int32_t* offsets, const float* weights, const float* planes,
                   float* tile) {
  F32 acc[Rows][2] = {};
  for (int64_t t = 0; t < taps; ++t, weights += Panel) {
    const F32 b0 = load(planes + offsets[t]);
    const F32 b1 = load(planes + offsets[t] + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const F32 w = splat(weights[i]);
      acc[i][0] = fma(w, b0, acc[i][0]);
      acc[i][1] = fma(w, b1, acc[i][1]);
    }
  }
  for (int i = 0; i < Rows; ++i) {
    store(tile + i * kTapColumns, acc[i][0]);
    store(tile + i * kTapColumns + kLanes, acc[i][1]);
  }
}

template <int Panel>
void multiply_taps_any(int64_t taps, const int32_t* offsets, const float* weights,
                       const float* planes, int64_t used_rows, float* tile) {
  constexpr int kThird = (Panel + 2) / 3;
  const auto multiply = used_rows > 2 * kThird ? multiply_taps<Panel, Panel>
                        : used_rows > kThird   ? multiply_taps<2 * kThird, Panel>
                                               : multiply_taps<kThird, Panel>;
  multiply(taps, offsets, weights, planes, tile);
}

template <int Vectors>
VERGE_INLINE void filter_vectors(int64_t taps, const int32_t* offsets, const float* weights,
                                 float constant, const float* planes, float* out) {
  F32 acc[Vectors];
  for (int v = 0; v < Vectors; ++v) acc[v] = splat(constant);
  for (int64_t t = 0; t < taps; ++t) {
    const F32 w = splat(weights[t]);
    for (int v = 0; v < Vectors; ++v) {
      acc[v] = fma(w, load(planes + offsets[t] + v * kLanes), acc[v]);
    }
  }
  for (int v = 0; v < Vectors; ++v) store(out + v * kLanes, acc[v]);
}

inline void filter_taps(int64_t taps, const int32_t* offsets, const float* weights, float constant,
                        const float* planes, int64_t positions, float* out) {
  int64_t p = 0;
  for (; p + 4 * kLanes <= positions; p += 4 * kLanes) {
    filter_vectors<4>(taps, offsets, weights, constant, planes + p, out + p);
  }
  for (; p < positions; p += kLanes) {
    filter_vectors<1>(taps, offsets, weights, constant, planes + p, out + p);
  }
}

template <int Rows, int Vectors>
void correlate_taps(int64_t positions, const int32_t* offsets, const float* planes,
                    const float* d_out, float* sums) {
  F32 acc[Rows][Vectors];
  const float* x[Rows];
  for (int i = 0; i < Rows; ++i) {
    x[i] = planes + offsets[i];
    for (int v = 0; v < Vectors; ++v) acc[i][v] = load(sums + i * kTapColumns + v * kLanes);
  }
  for (int64_t p = 0; p < positions; ++p, d_out += kTapColumns) {
    F32 d[Vectors];
    for (int v = 0; v < Vectors; ++v) d[v] = load(d_out + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const F32 value = splat(x[i][p]);
      for (int v = 0; v < Vectors; ++v) acc[i][v] = fma(value, d[v], acc[i][v]);
    }
  }
  for (int i = 0; i < Rows; ++i) {
    for (int v = 0; v < Vectors; ++v) store(sums + i * kTapColumns + v * kLanes, acc[i][v]);
  }
}

template <int Rows>
void correlate_taps_any(int64_t positions, const int32_t* offsets, const float* planes,
                        const float* d_out, int64_t used_columns, float* sums) {
  if (used_columns > kLanes) {
    correlate_taps<Rows, 2>(positions, offsets, planes, d_out, sums);
  } else {
    correlate_taps<Rows, 1>(positions, offsets, planes, d_out, sums);
  }
}

/// out[i] = in[i * step] for i < count.
inline void copy_every(int64_t count, int64_t step, const float* in, float* out) {
  if (step == 1) {
    for_vectors(count, [&](int64_t i, int64_t lanes) {
      store_some(out + i, load_some(in + i, lanes), lanes);
    });
    return;
  }
  int64_t i = 0;
  // The second vector ends one value past what is asked for.
  for (; step == 2 && i + kLanes < count; i += kLanes) {
    store(out + i, even_lanes(load(in + 2 * i), load(in + 2 * i + kLanes)));
  }
  if (step == 2 && i < count) {  // at most a vector is left
    const int64_t left = count - i, reach = 2 * left - 1;
    const int64_t low = reach < kLanes ? reach : kLanes;
    store_some(out + i,
               even_lanes(load_some(in + 2 * i, low), load_some(in + 2 * i + low, reach - low)),
               left);
    return;
  }
  for (; i < count; ++i) out[i] = in[i * step];
}

VERGE_INLINE void fill_zeros(int64_t count, float* out) {
  for_vectors(count, [&](int64_t i, int64_t lanes) { store_some(out + i, F32{}, lanes); });
}

/// Columns c of a plane with 0 <= c * step + phase - origin < width: [first, last).
struct PlaneColumns {
  int64_t shift, first, last;

  VERGE_INLINE PlaneColumns(const Lattice& l, int64_t phase) : shift(l.origin_width - phase) {
    const int64_t step = l.step_width, pitch = l.pitch();
    first = shift <= 0 ? 0 : (shift + step - 1) / step;
    last = l.width + shift <= 0 ? 0 : (l.width + shift + step - 1) / step;
    if (first > pitch) first = pitch;
    if (last > pitch) last = pitch;
    if (last < first) last = first;
  }
};

inline void load_lattice(const Lattice& l, const float* image, int64_t first, int64_t rows,
                         float* planes) {
  const int64_t pitch = l.pitch();
  float* plane = planes;
  for (int64_t channel = 0; channel < l.channels; ++channel) {
    const float* source = image + channel * l.height * l.width;
    for (int64_t a = 0; a < l.phases_height; ++a) {
      for (int64_t b = 0; b < l.phases_width; ++b, plane += l.plane_size()) {
        const PlaneColumns columns(l, b);
        for (int64_t r = 0; r < rows + l.halo_height; ++r) {
          const int64_t y = (first + r) * l.step_height + a - l.origin_height;
          float* out = plane + r * pitch;
          if (y < 0 || y >= l.height) {
            fill_zeros(pitch, out);
            continue;
          }
          const float* row = source + y * l.width + columns.first * l.step_width - columns.shift;
          fill_zeros(columns.first, out);
          copy_every(columns.last - columns.first, l.step_width, row, out + columns.first);
          fill_zeros(pitch - columns.last, out + columns.last);
        }
      }
    }
  }
  // A tile reads past the last position, into numbers that must not be NaN where they meet zeros.
  fill_zeros(planes + l.buffer_size() - plane, plane);
}

/// The table for panels of Rows lines.
template <int Rows>
constexpr TapKernels kTapTable = {
    Rows,         kTapColumns, multiply_taps_any<Rows>, filter_taps, correlate_taps_any<Rows>,
    load_lattice, copy_every};

}  // namespace verge::kernels::VERGE_ISA
