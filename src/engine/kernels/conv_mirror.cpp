#include <algorithm>

#include <verge/engine/kernels/conv_band.hpp>
#include <verge/engine/kernels/conv_mirror.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>

namespace verge::kernels {
namespace {

int64_t reach(int64_t kernel, int64_t dilation) {
  return (kernel - 1) * dilation;
}

/// Lines [0, used) of a panel of input channels: packed[output channel][tap][width], from
/// weights[output channel][input channel][area] of one group.
void pack_panel(const Conv2d& conv, const float* weights, int64_t used, int64_t width,
                float* packed) {
  const int64_t outputs = conv.out_channels / conv.groups, inputs = conv.in_channels / conv.groups;
  const int64_t area = conv.kernel_height * conv.kernel_width;
  if (used < width) std::fill_n(packed, outputs * area * width, 0.0f);
  for (int64_t o = 0; o < outputs; ++o, weights += inputs * area, packed += area * width) {
    for (int64_t i = 0; i < used; ++i) {
      for (int64_t t = 0; t < area; ++t) {
        packed[(area - 1 - t) * width + i] = weights[i * area + t];
      }
    }
  }
}

}  // namespace

bool has_mirror(const Conv2d& c) {
  const int64_t down = reach(c.kernel_height, c.dilation_height);
  const int64_t across = reach(c.kernel_width, c.dilation_width);
  return c.stride_height == 1 && c.stride_width == 1 && std::max(c.pad_top, c.pad_bottom) <= down &&
         std::max(c.pad_left, c.pad_right) <= across;
}

Conv2d mirror_of(const Conv2d& conv) {
  Conv2d mirror = conv;
  mirror.in_channels = conv.out_channels;
  mirror.out_channels = conv.in_channels;
  mirror.in_height = conv.out_height();
  mirror.in_width = conv.out_width();
  const int64_t down = reach(conv.kernel_height, conv.dilation_height);
  const int64_t across = reach(conv.kernel_width, conv.dilation_width);
  mirror.pad_top = down - conv.pad_top;
  mirror.pad_bottom = down - conv.pad_bottom;
  mirror.pad_left = across - conv.pad_left;
  mirror.pad_right = across - conv.pad_right;
  return mirror;
}

void pack_mirror(Isa isa, const Conv2d& conv, const float* weight, float* packed, Worker& worker) {
  const int64_t outputs = conv.out_channels / conv.groups, inputs = conv.in_channels / conv.groups;
  const int64_t area = conv.kernel_height * conv.kernel_width;
  const int64_t width = inputs == 1 && outputs == 1 ? 1 : conv_kernels(isa).rows;
  const int64_t panels = pieces_of(inputs, width);
  const auto [first, last] = worker.split(conv.groups * panels);
  for (int64_t i = first; i < last; ++i) {
    const int64_t line = i % panels * width;
    pack_panel(conv, weight + (i / panels * outputs * inputs + line) * area,
               std::min(width, inputs - line), width, packed + i * outputs * area * width);
  }
}

}  // namespace verge::kernels
