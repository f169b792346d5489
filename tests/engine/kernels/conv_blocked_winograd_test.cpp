#include <gtest/gtest.h>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/kernels/conv_blocked_winograd.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct TileCase {
  Conv2d conv;
  std::vector<float> x, weight, bias, residual;

  explicit TileCase(const Conv2d& c) : conv(c) {
    const int64_t in = graph::channel_blocks(c.in_channels) * graph::kChannelBlock;
    x = random_floats(c.batch * in * c.in_height * c.in_width, 1);
    weight = random_floats(c.out_channels * c.in_channels * 9, 2);
    bias = random_floats(c.out_channels, 3);
    residual = random_floats(y_size(), 4);
    conv.residual = residual.data();
    conv.activation = Activation::Relu;
    conv.factor = 1.5f;
  }
  int64_t y_size() const {
    const int64_t out = graph::channel_blocks(conv.out_channels) * graph::kChannelBlock;
    return conv.batch * out * conv.out_height() * conv.out_width();
  }

  /// By F(m x m, 3 x 3), or directly by 0.
  std::vector<float> run(Isa isa, int m, int threads) const {
    const BlockedConv shape{conv};
    const int64_t floats = m == 0 ? conv2d_blocked_packed_floats(isa, shape)
                                  : blocked_winograd_packed_floats(isa, shape, m);
    Workspace packed(static_cast<size_t>(floats) * sizeof(float));
    auto* weights = static_cast<float*>(packed.get());
    Workspace workspace(m == 0 ? conv2d_blocked_workspace_bytes(isa, shape, threads)
                               : blocked_winograd_workspace_bytes(isa, shape, m, threads));
    std::vector<float> y(static_cast<size_t>(y_size()), NAN);
    ThreadPool pool(threads);
    pool.run([&](Worker& worker) {
      if (m == 0) {
        pack_conv2d_blocked(isa, shape, weight.data(), weights, worker);
        worker.sync();
        conv2d_blocked(isa, shape, x.data(), weights, bias.data(), y.data(), workspace.get(),
                       worker);
      } else {
        pack_blocked_winograd(isa, shape, m, weight.data(), weights, worker);
        worker.sync();
        conv2d_blocked_winograd(isa, shape, m, x.data(), weights, bias.data(), y.data(),
                                workspace.get(), worker);
      }
    });
    return y;
  }
};

/// batch, channels, height, width, channels made; padding all round.
Conv2d tiles_of(int64_t batch, int64_t in, int64_t height, int64_t width, int64_t out,
                int64_t pad) {
  return {batch, in, height, width, out, 3, 3, 1, 1, pad, pad, pad, pad};
}

TEST(ConvBlockedWinograd, AgreesWithTheDirectConvolution) {
  Conv2d uneven = tiles_of(1, 5, 6, 9, 7, 0);
  uneven.pad_top = 2;
  uneven.pad_right = 3;
  const Conv2d shapes[] = {tiles_of(1, 1, 3, 3, 1, 0),
                           tiles_of(1, 16, 8, 8, 16, 1),
                           tiles_of(2, 21, 7, 5, 37, 1),
                           tiles_of(3, 70, 13, 14, 90, 1),
                           tiles_of(1, 33, 1, 2, 20, 1),
                           tiles_of(1, 200, 9, 30, 70, 1),
                           uneven};
  for (const Conv2d& shape : shapes) {
    const TileCase c(shape);
    const std::vector<double> wanted = doubles(c.run(Isa::Generic, 0, 1));
    for (const Isa isa : machine_isas()) {
      for (const int m : {2, 4}) {
        const double terms = static_cast<double>(shape.in_channels) * 9;
        const double tolerance = (m == 2 ? 1e-5 : 6e-5) * std::sqrt(terms);
        expect_close(c.run(isa, m, 2), wanted, tolerance, std::string(name(isa)));
      }
    }
  }
}

TEST(ConvBlockedWinograd, ThreadsDoNotChangeBits) {
  const TileCase c(tiles_of(2, 70, 27, 31, 90, 1));
  for (const int m : {2, 4}) {
    EXPECT_EQ(c.run(best_isa(), m, 1), c.run(best_isa(), m, 3));
  }
}

TEST(ConvBlockedWinograd, FitsSmallKernelsOfImagesInBlocks) {
  BlockedConv conv{tiles_of(1, 16, 8, 8, 16, 1)};
  EXPECT_TRUE(blocked_winograd_fits(conv));
  conv.is_plain = true;
  EXPECT_FALSE(blocked_winograd_fits(conv));
  conv.is_plain = false;
  conv.conv.stride_width = 2;
  EXPECT_FALSE(blocked_winograd_fits(conv));
}

TEST(ConvBlockedWinograd, AnEmptyBatchIsNothingToDo) {
  EXPECT_TRUE(TileCase(tiles_of(0, 20, 6, 6, 20, 1)).run(best_isa(), 4, 2).empty());
}

}  // namespace
}  // namespace verge::kernels
