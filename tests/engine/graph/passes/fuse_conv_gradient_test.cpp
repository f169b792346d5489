#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_conv.hpp>
#include <verge/engine/graph/passes/fuse_conv_gradient.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FuseConvGradient : public ::testing::Test {
 protected:
  FuseConvGradient() : b("cnn") { image = b.input("image", {DType::F64, {2, 3, 4, 5}}); }

  ValueId conv(ValueId x, bool is_trained = true) {
    const ValueId w =
        b.param(fmt::format("w{}", b.graph().values.size()), {DType::F64, {3, 3, 3, 3}});
    if (is_trained) weights.push_back(w);
    return b.op("conv2d", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  }
  Graph step(ValueId y) {
    const ValueId loss = b.op_all("mse_loss", {y, b.input("target", b.graph().value(y).type)})[0];
    b.output(loss, "loss");
    return dead_code(*add_updates(*differentiate(*b.finish(), loss, weights), weights,
                                  {.kind = OptimizerKind::Sgd}));
  }
  static Graph check(const Graph& before) {
    Graph after = fuse_conv_gradient(before);
    support::expect_same_results(before, after);
    support::expect_same_results(before, fuse_conv(after));
    return after;
  }

  Builder b;
  ValueId image;
  std::vector<ValueId> weights;
};

TEST_F(FuseConvGradient, MasksAreReadOffTheImagesThatAreKept) {
  const ValueId first = b.op("relu", {conv(image)});
  const ValueId second = b.op("clip", {conv(first)}, {{"min", 0.0}, {"max", 0.5}});
  const Graph before = step(conv(second));
  EXPECT_EQ(count_of(before, "apply_mask"), 2);
  const Graph after = check(before);
  EXPECT_EQ(count_of(after, "apply_mask"), 0);
  EXPECT_EQ(after.nodes.size() + 2, before.nodes.size());
  EXPECT_EQ(fuse_conv(after).nodes.size() + 1, after.nodes.size());  // the ReLU: no ReLU6
  EXPECT_EQ(fuse_conv_gradient(after).nodes.size(), after.nodes.size());
}

TEST_F(FuseConvGradient, SumsOfResidualBlocks) {
  const ValueId first = b.op("relu", {conv(image)});
  const ValueId second = b.op("relu", {b.op("add", {conv(b.op("relu", {conv(first)})), first})});
  const Graph before = step(b.op("add", {conv(second), conv(second)}));
  const Graph after = check(before);
  EXPECT_EQ(count_of(after, "apply_mask"), 0);
  EXPECT_EQ(count_of(before, "add"), 4);
  EXPECT_EQ(count_of(after, "add"), 2);  // those of the forward pass
}

// The sum comes after the mask: a gradient that has the one cannot take the other.
TEST_F(FuseConvGradient, BlocksThatActivateFirst) {
  const ValueId x = conv(image);
  const Graph after = check(step(conv(b.op("add", {x, conv(b.op("relu", {x}))}))));
  const Graph again = fuse_conv_gradient(after);
  EXPECT_EQ(again.nodes.size(), after.nodes.size());
  support::expect_same_results(after, again);
}

TEST_F(FuseConvGradient, MasksStayWhereNobodyElseKeepsTheImage) {
  const ValueId y = conv(b.op("relu", {conv(image)}), false);
  EXPECT_EQ(count_of(check(step(y)), "apply_mask"), 1);
}

TEST_F(FuseConvGradient, GradientsAndMasksThatOthersReadStay) {
  const std::vector<ValueId> relu = b.op_all("relu", {conv(image)});
  b.output(relu[1], "mask");
  EXPECT_EQ(count_of(check(step(conv(relu[0]))), "apply_mask"), 1);
}

TEST_F(FuseConvGradient, AnotherGradientThanAConvolutionsKeepsTheMask) {
  EXPECT_EQ(count_of(check(step(b.op("relu", {conv(image)}))), "apply_mask"), 1);
}

}  // namespace
}  // namespace verge::graph
