#include <algorithm>

#include <verge/engine/kernels/level_backward.hpp>

namespace verge::kernels {
namespace {

// Along one axis: the results [first, last) whose tap lies inside of the image, and where that of
// the first lies.
struct Span {
  int64_t first, last, at;
};

Span inside(int64_t results, int64_t image, int64_t stride, int64_t shift) {
  const int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  const int64_t last = shift >= image ? 0 : std::min(results, (image - 1 - shift) / stride + 1);
  return {first, std::max(first, last), first * stride + shift};
}

// Calls f(rows, columns) with the places that one tap joins.
template <typename F>
void for_each_kernel_tap(const Conv2d& c, F f) {
  for (int64_t ky = 0; ky < c.kernel_height; ++ky) {
    const Span rows =
        inside(c.out_height(), c.in_height, c.stride_height, ky * c.dilation_height - c.pad_top);
    for (int64_t kx = 0; kx < c.kernel_width; ++kx) {
      const Span columns =
          inside(c.out_width(), c.in_width, c.stride_width, kx * c.dilation_width - c.pad_left);
      f(ky * c.kernel_width + kx, rows, columns);
    }
  }
}

void spread(float weight, const float* dy, int64_t count, int64_t stride, float* dx) {
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) dx[i] += weight * dy[i];
  } else {
    for (int64_t i = 0; i < count; ++i) dx[i * stride] += weight * dy[i];
  }
}

// One plane of dx, of one input channel.
void data_plane(const Conv2d& c, const float* dy, const int8_t* w, int64_t in, float* dx) {
  const int64_t in_group = c.in_channels / c.groups, out_group = c.out_channels / c.groups;
  const int64_t group = in / in_group, taps = c.kernel_height * c.kernel_width;
  const int64_t area = c.out_height() * c.out_width();
  const bool moves_pixels = is_pixelwise(c);
  std::fill_n(dx, c.in_height * c.in_width, 0.0f);
  for (int64_t out = group * out_group; out < (group + 1) * out_group; ++out) {
    const float* from = dy + out * area;
    const int8_t* kernel = w + (out * in_group + in % in_group) * taps;
    if (moves_pixels) {
      spread(kernel[0], from, area, 1, dx);
      continue;
    }
    for_each_kernel_tap(c, [&](int64_t tap, const Span& rows, const Span& columns) {
      for (int64_t y = rows.first; y < rows.last; ++y) {
        const int64_t row = rows.at + (y - rows.first) * c.stride_height;
        spread(kernel[tap], from + y * c.out_width() + columns.first, columns.last - columns.first,
               c.stride_width, dx + row * c.in_width + columns.at);
      }
    });
  }
}

constexpr int64_t kLanes = 8;

// Sum of dy * (x - zero), in lanes of their own so that they can run side by side.
template <typename Level>
void add_products(const float* dy, const Level* x, float zero, int64_t count, int64_t stride,
                  float* sums) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += dy[i + lane] * (static_cast<float>(x[(i + lane) * stride]) - zero);
    }
  }
  for (; i < count; ++i) sums[0] += dy[i] * (static_cast<float>(x[i * stride]) - zero);
}

float total(const float* sums) {
  float sum = 0;
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  return sum;
}

template <typename Level>
void weight_row(const Conv2d& c, const float* dy, const Level* x, float zero, int64_t out,
                float* dw) {
  const int64_t in_group = c.in_channels / c.groups, out_group = c.out_channels / c.groups;
  const int64_t taps = c.kernel_height * c.kernel_width;
  const int64_t area = c.out_height() * c.out_width(), image = c.in_height * c.in_width;
  for (int64_t in = 0; in < in_group; ++in) {
    const int64_t channel = out / out_group * in_group + in;
    for_each_kernel_tap(c, [&](int64_t tap, const Span& rows, const Span& columns) {
      float sums[kLanes] = {};
      for (int64_t n = 0; n < c.batch; ++n) {
        const float* from = dy + (n * c.out_channels + out) * area;
        const Level* plane = x + (n * c.in_channels + channel) * image;
        for (int64_t y = rows.first; y < rows.last; ++y) {
          const int64_t row = rows.at + (y - rows.first) * c.stride_height;
          add_products(from + y * c.out_width() + columns.first,
                       plane + row * c.in_width + columns.at, zero, columns.last - columns.first,
                       c.stride_width, sums);
        }
      }
      dw[in * taps + tap] = total(sums);
    });
  }
}

}  // namespace

void conv2d_level_backward_data(const Conv2d& conv, const float* dy, const int8_t* w, float* dx,
                                Worker& worker) {
  const int64_t planes = conv.batch * conv.in_channels, image = conv.in_height * conv.in_width;
  const int64_t results = conv.out_channels * conv.out_height() * conv.out_width();
  for (int64_t plane = worker.claim(); plane < planes; plane = worker.claim()) {
    const int64_t n = plane / conv.in_channels;
    data_plane(conv, dy + n * results, w, plane % conv.in_channels, dx + plane * image);
  }
}

void conv2d_level_backward_weight(const Conv2d& conv, const float* dy, const LevelImage& x,
                                  int64_t out_channel, float* dw) {
  const auto zero = static_cast<float>(x.zero);
  if (x.is_signed) {
    weight_row(conv, dy, static_cast<const int8_t*>(x.levels), zero, out_channel, dw);
  } else {
    weight_row(conv, dy, static_cast<const uint8_t*>(x.levels), zero, out_channel, dw);
  }
}

}  // namespace verge::kernels
