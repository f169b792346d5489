#include <gtest/gtest.h>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

TEST(ChannelBlocks, HoldTheLanesOfAPixelTogether) {
  Tensor image(DType::F64, {2, 17, 1, 2});
  for (size_t i = 0; i < image.span<double>().size(); ++i) image.span<double>()[i] = double(i) + 1;
  const Tensor made = blocked(image.view());
  EXPECT_EQ(made.shape(), (Shape{2, 2, 1, 2, 16}));
  EXPECT_EQ(made.span<double>()[0], 1);    // channel 0, pixel 0
  EXPECT_EQ(made.span<double>()[1], 3);    // channel 1, pixel 0
  EXPECT_EQ(made.span<double>()[16], 2);   // channel 0, pixel 1
  EXPECT_EQ(made.span<double>()[32], 33);  // channel 16, pixel 0
  EXPECT_EQ(made.span<double>()[33], 0);   // no channel
  EXPECT_EQ(made.span<double>()[64], 35);  // image 1
  const Tensor back = unblocked(made.view());
  EXPECT_EQ(back.shape(), (Shape{2, 32, 1, 2}));
  EXPECT_EQ(back.span<double>()[33], 34);
  EXPECT_EQ(back.span<double>()[34], 0);
  EXPECT_EQ(back.span<double>()[64], 35);
}

TEST(ChannelBlocks, Extents) {
  EXPECT_EQ(channel_blocks(0), 0);
  EXPECT_EQ(channel_blocks(16), 1);
  EXPECT_EQ(channel_blocks(17), 2);
  const Dims image = {Dim(1, 0), 20, 5, 6};
  EXPECT_EQ(blocked_dims(image), (Dims{Dim(1, 0), 2, 5, 6, 16}));
  EXPECT_EQ(unblocked_dims(blocked_dims(image)), (Dims{Dim(1, 0), 32, 5, 6}));
}

}  // namespace
}  // namespace verge::graph
