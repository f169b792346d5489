// A channel in between is made in scratch memory and read while it is in cache.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_call.hpp>

namespace verge::kernels::ops {
namespace {

struct Channel {
  int32_t bias;
  float multiplier;
  graph::Levels levels;

  int8_t of(int32_t sum) const {
    return static_cast<int8_t>(levels.of(static_cast<float>(sum + bias) * multiplier));
  }
};

graph::Levels levels_of(const graph::Attrs& attrs, const char* zero, const char* low,
                        const char* high) {
  graph::Levels levels;
  levels.zero = static_cast<int>(attrs.integer(zero));
  levels.low = static_cast<int>(attrs.integer(low, -128));
  levels.high = static_cast<int>(attrs.integer(high, 127));
  return levels;
}

Channel channel_of(const graph::KernelCall& call, size_t weight, int64_t at,
                   const graph::Levels& levels) {
  return {call.in(weight + 1).as<int32_t>()[at], call.in(weight + 2).as<float>()[at], levels};
}

// One channel of the 1x1 convolution of an image, some pixels at a time.
void expand(const int8_t* x, int64_t channels, int64_t area, int zero, const int8_t* w,
            const Channel& channel, int8_t* y) {
  constexpr int64_t kPixels = 256;
  int32_t sums[kPixels];
  for (int64_t first = 0; first < area; first += kPixels) {
    const int64_t count = std::min(kPixels, area - first);
    std::fill_n(sums, count, 0);
    for (int64_t c = 0; c < channels; ++c) {
      const int8_t* from = x + c * area + first;
      const int weight = w[c];
      for (int64_t i = 0; i < count; ++i) sums[i] += weight * (from[i] - zero);
    }
    for (int64_t i = 0; i < count; ++i) y[first + i] = channel.of(sums[i]);
  }
}

void depthwise(const Conv2d& c, const int8_t* x, int zero, const int8_t* w, const Channel& channel,
               int8_t* y) {
  for (int64_t row = 0; row < c.out_height(); ++row) {
    for (int64_t column = 0; column < c.out_width(); ++column) {
      int32_t sum = 0;
      for (int64_t ky = 0; ky < c.kernel_height; ++ky) {
        const int64_t from = row * c.stride_height - c.pad_top + ky * c.dilation_height;
        if (from < 0 || from >= c.in_height) continue;
        for (int64_t kx = 0; kx < c.kernel_width; ++kx) {
          const int64_t at = column * c.stride_width - c.pad_left + kx * c.dilation_width;
          if (at < 0 || at >= c.in_width) continue;
          sum += w[ky * c.kernel_width + kx] * (x[from * c.in_width + at] - zero);
        }
      }
      *y++ = channel.of(sum);
    }
  }
}

int64_t area_of(const graph::KernelCall& call) {
  return call.in(0).shape[2] * call.in(0).shape[3];
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape &x = call.in(0).shape, &kernel = call.in(4).shape;
  const int64_t middle = kernel[0], area = area_of(call);
  const Conv2d conv = conv_of(call.attrs, {x[0], middle, x[2], x[3]}, call.out().shape, kernel);
  const auto between = levels_of(call.attrs, "middle_zero", "middle_low", "middle_high");
  const auto after = levels_of(call.attrs, "y_zero", "low", "high");
  const auto zero = static_cast<int>(call.attrs.integer("x_zero"));
  auto* plane = reinterpret_cast<int8_t*>(call.workspace) + worker.index() * area;
  const int64_t results = conv.out_height() * conv.out_width();
  for (int64_t i = worker.claim(); i < x[0] * middle; i = worker.claim()) {
    const int64_t n = i / middle, at = i % middle;
    expand(call.in(0).as<int8_t>() + n * x[1] * area, x[1], area, zero,
           call.in(1).as<int8_t>() + at * x[1], channel_of(call, 1, at, between), plane);
    depthwise(conv, plane, between.zero, call.in(4).as<int8_t>() + at * kernel[2] * kernel[3],
              channel_of(call, 4, at, after), call.out().as<int8_t>() + i * results);
  }
}

}  // namespace

KernelDef expand_depthwise_int8() {
  return {.op = "expand_depthwise_int8",
          .supports =
              [](const graph::KernelCall& call) {
                return call.in(0).dtype == DType::I8 && call.out().dtype == DType::I8;
              },
          .run = run,
          .workspace_bytes = [](const graph::KernelCall& call, int threads,
                                Isa) { return threads * area_of(call); }};
}

}  // namespace verge::kernels::ops
