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
