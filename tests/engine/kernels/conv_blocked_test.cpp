#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/kernels/conv_blocked.hpp>

#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct BlockedCase {
  BlockedConv shape;
  std::vector<float> x, weight, bias;

  explicit BlockedCase(const BlockedConv& of) : shape(of) {
    const Conv2d& c = of.conv;
    const int64_t lanes =
        of.is_plain ? c.in_channels : graph::channel_blocks(c.in_channels) * graph::kChannelBlock;
    x = random_floats(c.batch * lanes * c.in_height * c.in_width, 1);
    weight = random_floats(
        c.out_channels * c.in_channels / c.groups * c.kernel_height * c.kernel_width, 2);
    bias = random_floats(c.out_channels, 3);
  }

  std::vector<float> run(Isa isa, int threads) const { return run(isa, threads, shape.conv.batch); }

  /// The first images of what weights and workspace are made for.
  std::vector<float> run(Isa isa, int threads, int64_t images) const {
    BlockedConv first = shape;
    first.conv.batch = images;
    const Conv2d& c = first.conv;
    const int64_t lanes = graph::channel_blocks(c.out_channels) * graph::kChannelBlock;
    std::vector<float> y(static_cast<size_t>(images * lanes * c.out_height() * c.out_width()));
    Workspace packed(static_cast<size_t>(conv2d_blocked_packed_floats(isa, shape)) * sizeof(float));
    Workspace workspace(conv2d_blocked_workspace_bytes(isa, shape, threads));
    auto* weights = static_cast<float*>(packed.get());
    ThreadPool pool(threads);
    pool.run([&](Worker& worker) {
      pack_conv2d_blocked(isa, shape, weight.data(), weights, worker);
      worker.sync();
      conv2d_blocked(isa, first, x.data(), weights, bias.data(), y.data(), workspace.get(), worker);
    });
    return y;
  }
};

// More input channels than are summed at once, more pixels than are read at once.
const BlockedConv kLarge[] = {
    {{1, 900, 9, 5, 70, 3, 3, 1, 1, 1, 1, 1, 1}},
    {{2, 700, 40, 9, 20, 1, 1}},
    {{1, 96, 70, 66, 24, 3, 3, 2, 2, 1, 1, 1, 1}},
    {{1, 40, 60, 61, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 40}},
    {{2, 3, 70, 70, 20, 7, 7, 2, 2, 3, 3, 3, 3}, true},
    {{1, 128, 1, 14, 128, 1, 3}},  // one row, which tiles with a border share
    {{1, 128, 1, 29, 128, 1, 3, 1, 1, 0, 1, 0, 1}},
    {{1, 40, 1, 61, 40, 1, 5, 1, 2, 0, 2, 0, 2, 1, 1, 40}},
    {{2, 900, 41, 19, 70, 1, 1, 2, 2}},  // reads every second pixel
    {{1, 40, 20, 9, 200, 1, 1, 1, 2}},
    {{2, 40, 6, 7, 200, 1, 1, 1, 1, 1, 1, 1, 1}},  // rows whose kernel lies outside of the image
    {{2, 24, 6, 7, 40, 3, 3, 1, 1, 1, 1, 7, 1}},
};

TEST(ConvBlocked, ThreadsDoNotChangeBits) {
  for (const BlockedConv& shape : kLarge) {
    const BlockedCase c(shape);
    const std::vector<float> wanted = c.run(best_isa(), 1);
    for (const int threads : {2, 3, 5}) EXPECT_EQ(wanted, c.run(best_isa(), threads));
  }
}

TEST(ConvBlocked, ASmallerBatchThanTheOnePackedForIsItsFirstImages) {
  for (const BlockedConv& shape : kLarge) {
    const BlockedCase c(shape);
    const std::vector<float> whole = c.run(best_isa(), 1);
    const auto image = static_cast<int64_t>(whole.size()) / shape.conv.batch;
    for (int64_t images = 0; images < shape.conv.batch; ++images) {
      const std::vector<float> wanted(whole.begin(), whole.begin() + images * image);
      for (const int threads : {1, 2, 3}) EXPECT_EQ(wanted, c.run(best_isa(), threads, images));
    }
  }
}

// Where no row of the kernel is within the image, only the bias is left.
TEST(ConvBlocked, OutsideOfTheImageIsTheBias) {
  const BlockedConv shape{{1, 20, 4, 5, 16, 1, 1, 1, 1, 1, 1, 1, 1}};
  const BlockedCase c(shape);
  const std::vector<float> y = c.run(best_isa(), 2);
  for (int64_t row = 0; row < 6; ++row) {
    for (int64_t column = 0; column < 7; ++column) {
      if (row > 0 && row < 5 && column > 0 && column < 6) continue;
      for (int64_t channel = 0; channel < 16; ++channel) {
        EXPECT_EQ(y[static_cast<size_t>((row * 7 + column) * 16 + channel)],
                  c.bias[static_cast<size_t>(channel)]);
      }
    }
  }
}

TEST(ConvBlocked, AllInstructionSetsAgree) {
  for (const BlockedConv& shape : kLarge) {
    const BlockedCase c(shape);
    const std::vector<float> wanted = c.run(Isa::Generic, 2);
    for (const Isa isa : machine_isas()) {
      const std::vector<float> found = c.run(isa, 2);
      for (size_t i = 0; i < wanted.size(); ++i)
        ASSERT_NEAR(found[i], wanted[i], 2e-3) << name(isa);
    }
  }
}

TEST(ConvBlocked, AnEmptyBatchIsNothingToDo) {
  const BlockedConv shape{{0, 20, 6, 6, 20, 3, 3, 1, 1, 1, 1, 1, 1}};
  const BlockedCase c(shape);
  EXPECT_TRUE(c.run(best_isa(), 2).empty());
}

}  // namespace
}  // namespace verge::kernels
