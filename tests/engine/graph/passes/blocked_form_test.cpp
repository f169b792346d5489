#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/passes/blocked_form.hpp>

namespace verge::graph {
namespace {

using Ints = std::vector<int64_t>;

/// A network of one node over an image of 24 channels.
struct OneNode {
  Builder b{"one"};
  ValueId x = b.input("x", {DType::F32, {2, 24, 6, 6}});

  ValueId weight(Dims dims, DType dtype = DType::F32) { return b.param("w", {dtype, dims}); }
  std::optional<BlockedForm> form(std::string_view op, std::vector<ValueId> inputs,
                                  Attrs attrs = {}) {
    b.op_all(op, std::move(inputs), std::move(attrs));
    Node node = b.graph().nodes.back();
    node.outputs.resize(1);
    return blocked_form(b.graph(), node);
  }
};

TEST(BlockedForm, Convolutions) {
  OneNode dense;
  const auto form = dense.form("conv2d", {dense.x, dense.weight({7, 24, 3, 3})});
  ASSERT_TRUE(form);
  EXPECT_EQ(form->op, "conv2d_blocked");
  EXPECT_EQ(form->is_blocked, (std::vector<bool>{true, false}));
  OneNode depthwise;
  EXPECT_TRUE(depthwise.form("conv2d", {depthwise.x, depthwise.weight({24, 1, 3, 3})},
                             {{"groups", int64_t{24}}}));
  OneNode grouped;
  EXPECT_FALSE(grouped.form("conv2d", {grouped.x, grouped.weight({24, 12, 3, 3})},
                            {{"groups", int64_t{2}}}));
  OneNode trained;
  const ValueId w = trained.weight({7, 24, 3, 3});
  trained.b.graph().value(w).is_trainable = true;
  EXPECT_FALSE(trained.form("conv2d", {trained.x, w}));
}

TEST(BlockedForm, AResidualMustBeAnImageOfTheGraph) {
  OneNode net;
  const ValueId w = net.weight({24, 24, 1, 1}), bias = net.b.param("bias", {DType::F32, {24}});
  const auto form = net.form("conv2d", {net.x, w, bias, net.x});
  ASSERT_TRUE(form);
  EXPECT_EQ(form->is_blocked, (std::vector<bool>{true, false, false, true}));
  const ValueId stored = net.b.param("stored", {DType::F32, {2, 24, 6, 6}});
  EXPECT_FALSE(net.form("conv2d", {net.x, w, bias, stored}));
}

TEST(BlockedForm, FewChannelsAreReadPlaneByPlane) {
  OneNode net;
  const ValueId colours = net.b.input("colours", {DType::F32, {1, 3, 8, 8}});
  const auto form = net.form("conv2d", {colours, net.weight({16, 3, 3, 3})});
  ASSERT_TRUE(form);
  EXPECT_EQ(form->is_blocked, (std::vector<bool>{false, false}));
}

TEST(BlockedForm, PoolsAndSums) {
  OneNode net;
  const auto pool = net.form("max_pool2d", {net.x}, {{"kernel", Ints{2, 2}}});
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->attrs.text("mode"), "max");
  const auto global = net.form("global_avg_pool", {net.x});
  ASSERT_TRUE(global);
  EXPECT_FALSE(global->is_result_blocked);
  EXPECT_EQ(global->attrs.integer("channels"), 24);
  EXPECT_TRUE(net.form("add", {net.x, net.x}));
  const ValueId scalar = net.b.input("scalar", {DType::F32, {}});
  EXPECT_FALSE(net.form("mul", {net.x, scalar}));
  EXPECT_FALSE(net.form("softmax", {net.x}));
}

TEST(BlockedForm, BlocksAreJoinedWhole) {
  OneNode net;
  const ValueId whole = net.b.input("whole", {DType::F32, {2, 32, 6, 6}});
  EXPECT_TRUE(net.form("concat", {whole, net.x}, {{"axis", int64_t{1}}}));
  EXPECT_FALSE(net.form("concat", {net.x, whole}, {{"axis", int64_t{1}}}));
  EXPECT_FALSE(net.form("concat", {net.x, net.x}, {{"axis", int64_t{2}}}));
}

TEST(BlockedForm, OtherTypesHaveNone) {
  Builder b("doubles");
  const ValueId x = b.input("x", {DType::F64, {2, 24, 6, 6}});
  b.op("add", {x, x});
  EXPECT_FALSE(blocked_form(b.graph(), b.graph().nodes[0]));
}

}  // namespace
}  // namespace verge::graph
