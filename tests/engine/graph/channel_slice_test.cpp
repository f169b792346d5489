#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_slice.hpp>

namespace verge::graph {
namespace {

// What it makes of gradients and updates: channel_slices_test.cpp.
TEST(ChannelSlice, AWishStandsInTheAttributesAndNotInWhatFollows) {
  Node node;
  node.op = find_op("conv2d");
  node.attrs.set("groups", int64_t{3});
  EXPECT_FALSE(wanted_slice(node));
  set_wanted_slice(node, {0, {1, 4}});
  EXPECT_EQ(*wanted_slice(node), (ChannelSlice{0, {1, 4}}));
  EXPECT_EQ(plain_attrs(node), (Attrs{{"groups", int64_t{3}}}));
}

TEST(ChannelSlice, TakesChannelsByAConstantList) {
  Builder b("take");
  const ValueId y = emit_take(b, b.input("x", {DType::F32, {2, 5, 3}}), 1, {0, 4});
  EXPECT_EQ(b.type(y).dims, (Dims{2, 2, 3}));
}

}  // namespace
}  // namespace verge::graph
