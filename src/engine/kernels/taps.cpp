#include <algorithm>

#include <verge/engine/kernels/tables.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels {
namespace {

/// Moves `count` positions from `first` of a band's line to the output, leaving out the halo.
void scatter(const Lattice& l, const float* line, int64_t first, int64_t count, int64_t rows,
             float* out, const TapOutput& strides) {
  const int64_t pitch = l.pitch();
  int64_t row = first / pitch;
  int64_t column = first % pitch;
  for (int64_t at = 0; at < count && row < rows; ++row, column = 0) {
    const int64_t run = std::min(pitch - column, count - at);
    const int64_t used = std::min(run, std::max<int64_t>(l.out_width - column, 0));
    float* to = out + row * strides.row_stride + column * strides.column_stride;
    if (strides.column_stride == 1) {
      std::copy_n(line + at, used, to);
    } else {
      for (int64_t i = 0; i < used; ++i) to[i * strides.column_stride] = line[at + i];
    }
    at += run;
  }
}

}  // namespace

const TapKernels& tap_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kTaps;
  if (isa == Isa::Avx2) return avx2::kTaps;
#elif defined(__aarch64__)
  if (isa >= Isa::Neon) return neon::kTaps;
#endif
  (void)isa;
  return generic::kTaps;
}

void choose_band(Lattice& l, int64_t floats) {
  const int64_t row = l.planes() * l.pitch();
  const int64_t rows = floats / std::max<int64_t>(row, 1) - l.halo_height;
  l.band = std::clamp<int64_t>(rows, 1, std::max<int64_t>(l.out_height, 1));
}

void multiply_band(const TapKernels& kernels, const Lattice& l, const TapProduct& product,
                   const float* planes, int64_t rows, const TapOutput& out, float* tile) {
  const int64_t positions = l.positions(rows);
  for (int64_t channel = 0; channel < product.channels; channel += kernels.rows) {
    const int64_t used = std::min<int64_t>(kernels.rows, product.channels - channel);
    const float* weights = product.weights + channel * product.taps;
    for (int64_t p = 0; p < positions; p += kernels.columns) {
      kernels.multiply(product.taps, product.offsets, weights, planes + p, used, tile);
      const int64_t count = std::min<int64_t>(kernels.columns, positions - p);
      for (int64_t i = 0; i < used; ++i) {
        scatter(l, tile + i * kernels.columns, p, count, rows,
                out.data + (channel + i) * out.channel_stride, out);
      }
    }
  }
}

void filter_band(const TapKernels& kernels, const Lattice& l, const TapProduct& product,
                 const float* planes, int64_t rows, const TapOutput& out, float* line) {
  const int64_t positions = l.positions(rows);
  for (int64_t i = 0; i < product.channels; ++i) {
    kernels.filter(product.taps, product.offsets + i * product.taps,
                   product.weights + i * product.taps, 0, planes, positions, line);
    scatter(l, line, 0, positions, rows, out.data + i * out.channel_stride, out);
  }
}

}  // namespace verge::kernels
