#include <algorithm>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/kernels/conv_skipped_pixels.hpp>

namespace verge::kernels {

using graph::channel_blocks;
using graph::kChannelBlock;

bool is_unpadded_pointwise(const Conv2d& c) {
  return c.kernel_height == 1 && c.kernel_width == 1 && c.pad_top == 0 && c.pad_left == 0 &&
         c.pad_bottom == 0 && c.pad_right == 0;
}

bool skips_pixels(const BlockedConv& of) {
  return is_unpadded_pointwise(of.conv) && !of.is_plain && !of.is_depthwise() &&
         (of.conv.stride_height > 1 || of.conv.stride_width > 1);
}

BlockedConv without_skipped(BlockedConv of) {
  if (!skips_pixels(of)) return of;
  Conv2d& c = of.conv;
  const int64_t height = c.out_height(), width = c.out_width();
  c.in_height = height;
  c.in_width = width;
  c.stride_height = c.stride_width = 1;
  return of;
}

int64_t read_floats(const BlockedConv& of) {
  const Conv2d& c = of.conv;
  return c.batch * channel_blocks(c.in_channels) * kChannelBlock * c.out_height() * c.out_width();
}

void take_read(const Conv2d& c, const float* x, float* to, Worker& worker) {
  const int64_t height = c.out_height(), width = c.out_width();
  const auto [begin, end] = worker.split(c.batch * channel_blocks(c.in_channels) * height);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t in_row = row / height * c.in_height + row % height * c.stride_height;
    const float* from = x + in_row * c.in_width * kChannelBlock;
    for (int64_t i = 0; i < width; ++i) {
      std::copy_n(from + i * c.stride_width * kChannelBlock, kChannelBlock,
                  to + (row * width + i) * kChannelBlock);
    }
  }
}

}  // namespace verge::kernels
