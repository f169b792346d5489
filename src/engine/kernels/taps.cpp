#include <algorithm>

#include <verge/engine/kernels/tables.hpp>
#include <verge/engine/kernels/taps.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kBandFloats = 96 * 1024;  // 384 KB, well inside an L2 cache of 512 KB or more

/// One row of a plane: every step-th value of a source row (null: a row of zeros).
void load_row(const Lattice& l, const float* source, int64_t b, float* out) {
  const int64_t pitch = l.pitch();
  if (source == nullptr) {
    std::fill_n(out, pitch, 0.0f);
    return;
  }
  // Columns c with 0 <= c * step + b - origin < width.
  const int64_t shift = l.origin_width - b;
  const int64_t step = l.step_width;
  const int64_t first = std::clamp<int64_t>(shift <= 0 ? 0 : (shift + step - 1) / step, 0, pitch);
  const int64_t end = l.width + shift <= 0 ? 0 : (l.width + shift + step - 1) / step;
  const int64_t last = std::clamp(end, first, pitch);
  std::fill(out, out + first, 0.0f);
  if (step == 1) {
    std::copy(source + first - shift, source + last - shift, out + first);
  } else {
    for (int64_t c = first; c < last; ++c) out[c] = source[c * step - shift];
  }
  std::fill(out + last, out + pitch, 0.0f);
}

/// Moves `count` positions from `first` of a band's line to the output, leaving out the halo.
void scatter(const Lattice& l, const float* line, int64_t first, int64_t count, int64_t rows,
             float bias, float* out, const TapOutput& strides) {
  const int64_t pitch = l.pitch();
  int64_t row = first / pitch;
  int64_t column = first % pitch;
  for (int64_t at = 0; at < count && row < rows; ++row, column = 0) {
    const int64_t run = std::min(pitch - column, count - at);
    const int64_t used = std::min(run, std::max<int64_t>(l.out_width - column, 0));
    float* to = out + row * strides.row_stride + column * strides.column_stride;
    if (strides.column_stride == 1) {
      for (int64_t i = 0; i < used; ++i) to[i] = line[at + i] + bias;
    } else {
      for (int64_t i = 0; i < used; ++i) to[i * strides.column_stride] = line[at + i] + bias;
    }
    at += run;
  }
}

}  // namespace

const TapKernels& tap_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::Avx512) return avx512::kTaps;
  if (isa == Isa::Avx2) return avx2::kTaps;
#endif
  (void)isa;
  return generic::kTaps;
}

void choose_band(Lattice& l) {
  const int64_t row = l.planes() * l.pitch();
  const int64_t rows = kBandFloats / std::max<int64_t>(row, 1) - l.halo_height;
  l.band = std::clamp<int64_t>(rows, 1, std::max<int64_t>(l.out_height, 1));
}

void load_planes(const Lattice& l, const float* image, int64_t first, int64_t rows, float* planes) {
  const int64_t plane_size = l.plane_size();
  const int64_t pitch = l.pitch();
  float* plane = planes;
  for (int64_t channel = 0; channel < l.channels; ++channel) {
    const float* source = image + channel * l.height * l.width;
    for (int64_t a = 0; a < l.step_height; ++a) {
      for (int64_t b = 0; b < l.step_width; ++b, plane += plane_size) {
        for (int64_t r = 0; r < rows + l.halo_height; ++r) {
          const int64_t y = (first + r) * l.step_height + a - l.origin_height;
          const bool inside = y >= 0 && y < l.height;
          load_row(l, inside ? source + y * l.width : nullptr, b, plane + r * pitch);
        }
      }
    }
  }
  // A tile reads past the last position, into numbers that must not be NaN where they meet zeros.
  std::fill(planes + l.planes() * plane_size, planes + l.buffer_size(), 0.0f);
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
                product.bias == nullptr ? 0.0f : product.bias[channel + i],
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
                   product.weights + i * product.taps,
                   product.bias == nullptr ? 0 : product.bias[i], planes, positions, line);
    scatter(l, line, 0, positions, rows, 0, out.data + i * out.channel_stride, out);
  }
}

}  // namespace verge::kernels
