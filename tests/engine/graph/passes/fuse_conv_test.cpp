#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_conv.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

class FuseConv : public ::testing::Test {
 protected:
  FuseConv() : b("cnn") { image = b.input("image", {DType::F32, {2, 3, 6, 5}}); }

  ValueId conv(ValueId x, int64_t groups = 1) {
    const std::string name = fmt::format("w{}", b.graph().values.size());
    const ValueId w = b.param(name, {DType::F32, {3, 3 / groups, 3, 3}});
    const ValueId bias = b.param(name + ".bias", {DType::F32, {3}});
    return b.op("conv2d", {x, w, bias},
                {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"groups", groups}});
  }
  Graph check(ValueId y) {
    b.output(y, "y");
    const Graph before = dead_code(*b.finish());  // masks that nobody reads
    Graph after = fuse_conv(before);
    support::expect_same_results(before, after);
    return after;
  }

  Builder b;
  ValueId image;
};

TEST_F(FuseConv, ActivationsBecomeEpilogues) {
  ValueId y = b.op("relu", {conv(image)});
  y = b.op("silu", {conv(y, 3)});  // depthwise
  y = b.op("gelu", {conv(y)}, {{"approximate", std::string("none")}});
  const Graph after = check(y);
  ASSERT_EQ(after.nodes.size(), 3u);
  EXPECT_EQ(after.nodes[0].attrs.text("activation"), "relu");
  EXPECT_EQ(after.nodes[1].attrs.text("activation"), "silu");
  EXPECT_EQ(after.nodes[2].attrs.text("activation"), "gelu_erf");
  EXPECT_EQ(fuse_conv(after).nodes.size(), 3u);
}

TEST_F(FuseConv, ActivationsOfMobileNetworks) {
  ValueId y = b.op("clip", {conv(image)}, {{"min", 0.0}, {"max", 6.0}});
  for (const char* op : {"hswish", "hsigmoid", "sigmoid"}) y = b.op(op, {conv(y)});
  y = b.op("clip", {conv(y)}, {{"min", 0.0}, {"max", 1.0}});  // no ReLU6
  const Graph after = check(y);
  ASSERT_EQ(after.nodes.size(), 6u);
  EXPECT_EQ(after.nodes[0].attrs.text("activation"), "relu6");
  EXPECT_EQ(after.nodes[1].attrs.text("activation"), "hswish");
}

TEST_F(FuseConv, ResidualsBeforeAndAfterTheActivation) {
  const ValueId first = b.op("relu", {b.op("add", {conv(image), image})});
  const ValueId second = b.op("add", {first, b.op("silu", {conv(first)})});
  const Graph after = check(b.op("add", {conv(second), second}));
  ASSERT_EQ(after.nodes.size(), 3u);
  EXPECT_EQ(after.nodes[0].attrs.integer("activate_sum"), 1);
  EXPECT_EQ(after.nodes[1].attrs.integer("activate_sum"), 0);
  EXPECT_EQ(after.nodes[1].attrs.text("activation"), "silu");
  EXPECT_EQ(after.nodes[2].inputs.size(), 4u);
}

TEST_F(FuseConv, ASumIsPartOfTheLaterOfTwoConvolutions) {
  const ValueId main = conv(image), shortcut = conv(image);
  const Graph after = check(b.op("relu", {b.op("add", {main, shortcut})}));
  ASSERT_EQ(after.nodes.size(), 2u);
  EXPECT_EQ(after.nodes[1].inputs[3], after.nodes[0].outputs[0]);
}

TEST_F(FuseConv, NoSumWithAnotherShapeOrWithItself) {
  const ValueId bias = b.param("addend", {DType::F32, {3, 1, 1}});
  ValueId y = b.op("add", {conv(image), bias});
  y = conv(y);
  EXPECT_EQ(check(b.op("add", {y, y})).nodes.size(), 4u);
}

TEST_F(FuseConv, AFactorAndAnOffsetComeLast) {
  ValueId y = b.op("add", {b.op("silu", {conv(image)}), image});
  y = b.op("scale", {y}, {{"factor", 0.5}, {"offset", 2.0}});
  y = b.op("relu", {conv(b.op("relu", {y}))});
  const Graph after = check(b.op("scale", {y}, {{"factor", 0.5}}));
  ASSERT_EQ(after.nodes.size(), 3u);
  EXPECT_EQ(after.nodes[0].attrs.real("offset"), 2);
}

TEST_F(FuseConv, OneActivationIsTaken) {
  EXPECT_EQ(check(b.op("silu", {b.op("relu", {conv(image)})})).nodes.size(), 2u);
}

TEST_F(FuseConv, WhatOthersReadStays) {
  const ValueId y = conv(image);
  EXPECT_EQ(check(b.op("add", {b.op("relu", {y}), y})).nodes.size(), 3u);
}

TEST_F(FuseConv, ResultsAndMasksOfGradientsStay) {
  const ValueId first = conv(image);
  b.output(first, "first");
  const std::vector<ValueId> relu = b.op_all("relu", {conv(b.op("relu", {first}))});
  const ValueId dy = b.op("silu", {relu[0]});
  b.phase(Phase::Backward);
  EXPECT_EQ(check(b.op("apply_mask", {dy, relu[1]})).nodes.size(), 6u);
}

}  // namespace
}  // namespace verge::graph
