#pragma once
// The micro kernels of convolution, written on F32; taps.hpp says what each does.

#include <verge/engine/kernels/simd/conv_epilogue.hpp>
#include <verge/engine/kernels/simd/correlate.hpp>
#include <verge/engine/kernels/simd/lanes.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels::VERGE_ISA {

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

/// Lanes [first, last) of a vector from memory, the others 0; only those are read.
VERGE_INLINE F32 load_between(const float* p, int64_t first, int64_t last) {
  if (first <= 0 && last >= kLanes) return load(p);
  if (last > kLanes) last = kLanes;
  if (first < 0) first = 0;
  if (first >= last) return F32{};
#if VERGE_LANES == 16 && defined(__AVX512F__)
  const auto lanes = static_cast<__mmask16>((1u << last) - (1u << first));
  return reinterpret_cast<F32>(_mm512_maskz_loadu_ps(lanes, p));
#else
  float lanes[kLanes] = {};
  for (int64_t i = first; i < last; ++i) lanes[i] = p[i];
  return load(lanes);
#endif
}

/// One row of a plane, up to a vector more: out[c] = in[c * step], which begins before the image's
/// row, for first <= c < last, else 0.
VERGE_INLINE void load_plane_row(const float* in, int64_t step, const PlaneColumns& columns,
                                 int64_t pitch, float* out) {
  if (step > 2) {
    fill_zeros(pitch, out);
    for (int64_t c = columns.first; c < columns.last; ++c) out[c] = in[c * step];
    return;
  }
  for (int64_t c = 0; c < pitch; c += kLanes) {
    if (step == 1) {
      store(out + c, load_between(in + c, columns.first - c, columns.last - c));
      continue;
    }
    const int64_t first = 2 * (columns.first - c), last = 2 * (columns.last - c) - 1;
    const float* pairs = in + 2 * c;
    store(out + c, even_lanes(load_between(pairs, first, last),
                              load_between(pairs + kLanes, first - kLanes, last - kLanes)));
  }
}

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
          load_plane_row(source + y * l.width - columns.shift, l.step_width, columns, pitch, out);
        }
      }
    }
  }
  // A tile reads past the last position, into numbers that must not be NaN where they meet zeros.
  fill_zeros(planes + l.buffer_size() - plane, plane);
}

VERGE_INLINE F32 sum_of_taps(int64_t taps, const int32_t* offsets, const float* weights,
                             const float* planes) {
  F32 sum = {};
  for (int64_t t = 0; t < taps; ++t) sum = fma(splat(weights[t]), load(planes + offsets[t]), sum);
  return sum;
}

inline void spread_row(const SpreadRow& row) {
  with_epilogue(row.epilogue, [&](auto finish) {
    for (int64_t x = 0; x < row.width; x += 2 * kLanes) {
      const float* planes = row.planes + x / 2;
      const F32 even = sum_of_taps(row.even, row.offsets, row.weights, planes);
      const F32 odd = sum_of_taps(row.odd, row.offsets + row.even, row.weights + row.even, planes);
      const int64_t left = row.width - x < kLanes ? row.width - x : kLanes;
      store_some(row.out + x, finish(interleave_low(even, odd), row.residual, x, left, row.passed),
                 left);
      const int64_t right = row.width - x - left < kLanes ? row.width - x - left : kLanes;
      if (right <= 0) continue;
      store_some(row.out + x + kLanes,
                 finish(interleave_high(even, odd), row.residual, x + kLanes, right, row.passed),
                 right);
    }
  });
}

/// The table for panels of Rows lines.
template <int Rows>
constexpr TapKernels kTapTable = {Rows,
                                  kTapColumns,
                                  multiply_taps_any<Rows>,
                                  filter_taps,
                                  correlate_taps_any<Rows>,
                                  correlate_channel,
                                  spread_row,
                                  load_lattice,
                                  copy_every};

}  // namespace verge::kernels::VERGE_ISA
