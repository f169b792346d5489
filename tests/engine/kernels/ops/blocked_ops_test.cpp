// Kernels of images with their channels in blocks, on ragged channels and odd sizes.

#include <limits>

#include <gtest/gtest.h>

#include <verge/engine/graph/channel_blocks.hpp>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

using Ints = std::vector<int64_t>;

// Lanes beyond the channels hold what nobody may use.
OpInput image_in_blocks(int64_t batch, int64_t channels, int64_t height, int64_t width) {
  OpInput image = reals(graph::blocked_dims({batch, channels, height, width}));
  const int64_t lanes = graph::kChannelBlock, blocks = graph::channel_blocks(channels);
  image.fill = [=](size_t index, Rng& rng) {
    const auto at = static_cast<int64_t>(index);
    const int64_t channel = at / (height * width * lanes) % blocks * lanes + at % lanes;
    const double value = rng.normal();
    return channel < channels ? value : std::numeric_limits<double>::quiet_NaN();
  };
  return image;
}

void expect_convolution(const std::vector<OpInput>& inputs, const graph::Attrs& attrs) {
  OpCase c{"conv2d_blocked", inputs, attrs};
  c.channels = inputs[1].type.dims[0].factor;
  expect_agreement(c);
}

graph::Attrs window(int64_t stride, int64_t pad, int64_t dilation = 1, int64_t groups = 1) {
  return {{"strides", Ints{stride, stride}},
          {"pads", Ints{pad, pad, pad, pad}},
          {"dilations", Ints{dilation, dilation}},
          {"groups", groups}};
}

TEST(BlockedOps, Convolutions) {
  for (const int64_t in : {1, 7, 16, 33}) {
    for (const int64_t out : {1, 16, 24, 90}) {
      const OpInput x = image_in_blocks(2, in, 9, 7), b = reals({out});
      expect_convolution({x, reals({out, in, 1, 1}), b}, window(1, 0));
      expect_convolution({x, reals({out, in, 1, 1})}, window(2, 0));
      expect_convolution({x, reals({out, in, 3, 3}), b}, window(1, 1));
    }
  }
  const OpInput w = reals({20, 19, 3, 3});
  for (const int64_t width : {1, 2, 5, 13, 31}) {
    const OpInput x = image_in_blocks(1, 19, 6, width);
    expect_convolution({x, w}, window(1, 1));
    expect_convolution({x, w}, window(2, 1));
    expect_convolution({x, w}, window(2, 3, 2));
  }
  const graph::Attrs uneven{{"strides", Ints{1, 3}}, {"pads", Ints{0, 5, 7, 1}}};
  expect_convolution({image_in_blocks(1, 19, 4, 11), w}, uneven);
}

TEST(BlockedOps, ConvolutionsOfPlainImages) {
  for (const int64_t width : {6, 29}) {
    const OpInput x = reals({2, 3, 11, width}), w = reals({40, 3, 5, 5});
    for (const int64_t stride : {1, 2}) {
      expect_convolution({x, w, reals({40})}, window(stride, 2));
    }
    expect_convolution({x, reals({5, 3, 1, 1})}, window(1, 0));
    expect_convolution({x, reals({5, 3, 3, 2})}, window(2, 1, 2));
  }
}

TEST(BlockedOps, DepthwiseConvolutions) {
  for (const int64_t channels : {3, 16, 37}) {
    for (const int64_t width : {1, 3, 7, 30}) {
      const OpInput x = image_in_blocks(2, channels, 8, width);
      for (const int64_t kernel : {1, 3, 5}) {
        const OpInput w = reals({channels, 1, kernel, kernel}), b = reals({channels});
        for (const int64_t stride : {1, 2}) {
          expect_convolution({x, w, b}, window(stride, kernel / 2, 1, channels));
        }
      }
      expect_convolution({x, reals({channels, 1, 3, 3})}, window(1, 2, 2, channels));
    }
  }
}

TEST(BlockedOps, ConvolutionsGoOnWithTheirSum) {
  for (const char* activation :
       {"none", "relu", "relu6", "silu", "sigmoid", "hswish", "hsigmoid", "gelu", "gelu_erf"}) {
    graph::Attrs attrs = window(1, 1);
    attrs.set("activation", std::string(activation));
    attrs.set("factor", 1.5);
    attrs.set("offset", -0.25);
    for (const int64_t of_sum : {0, 1}) {
      attrs.set("activate_sum", of_sum);
      const OpInput x = image_in_blocks(1, 21, 5, 9), like_y = image_in_blocks(1, 21, 5, 9);
      attrs.set("groups", int64_t{1});
      expect_convolution({x, reals({21, 21, 3, 3}), reals({21}), like_y}, attrs);
      attrs.set("groups", int64_t{21});
      expect_convolution({x, reals({21, 1, 3, 3}), reals({21}), like_y}, attrs);
    }
  }
}

TEST(BlockedOps, Pools) {
  for (const char* mode : {"max", "average"}) {
    for (const int64_t count_padding : {0, 1}) {
      graph::Attrs attrs{{"kernel", Ints{3, 2}},
                         {"strides", Ints{2, 1}},
                         {"pads", Ints{1, 0, 2, 1}},
                         {"mode", std::string(mode)},
                         {"count_include_pad", count_padding}};
      OpCase pool{"pool2d_blocked", {image_in_blocks(2, 21, 7, 9)}, attrs};
      pool.channels = 21;
      expect_agreement(pool);
    }
  }
  for (const int64_t channels : {1, 16, 29}) {
    const graph::Attrs attrs{{"channels", channels}};
    expect_agreement({"global_avg_pool_blocked", {image_in_blocks(3, channels, 7, 5)}, attrs});
    expect_agreement({"unblock_channels", {image_in_blocks(3, channels, 9, 17)}, attrs});
    OpCase blocks{"block_channels", {reals({3, channels, 9, 17})}};
    blocks.channels = channels;
    expect_agreement(blocks);
  }
}

}  // namespace
}  // namespace verge::kernels
