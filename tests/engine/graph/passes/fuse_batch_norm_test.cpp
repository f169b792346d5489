#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_batch_norm.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

class FuseBatchNorm : public ::testing::Test {
 protected:
  FuseBatchNorm() : b("cnn") { image = b.input("image", {DType::F64, {2, 3, 4, 5}}); }

  ValueId trained(const std::string& name) {
    weights.push_back(b.param(name, {DType::F64, {3}}));
    return weights.back();
  }
  ValueId norm(ValueId x) {
    const std::string name = fmt::format("n{}", b.graph().nodes.size());
    const ValueId weight = trained(name + ".weight"), bias = trained(name + ".bias");
    return b.op("batch_norm_live",
                {x, weight, bias, b.state(name + ".mean", {DType::F64, {3}}),
                 b.state(name + ".variance", {DType::F64, {3}})},
                {{"eps", 1e-3}});
  }
  Graph step(ValueId y) {
    const ValueId loss = b.op_all("mse_loss", {y, b.input("target", b.graph().value(y).type)})[0];
    b.output(loss, "loss");
    return dead_code(*add_updates(*differentiate(*b.finish(), loss, weights), weights,
                                  {.kind = OptimizerKind::Sgd}));
  }
  static Graph check(const Graph& before) {
    Graph after = fuse_batch_norm(before);
    support::expect_same_results(before, after);
    return after;
  }

  Builder b;
  ValueId image;
  std::vector<ValueId> weights;
};

TEST_F(FuseBatchNorm, ReluAndItsGradientBecomePartOfIt) {
  const ValueId first = b.op("relu", {norm(image)});
  const Graph before = step(b.op("relu", {norm(b.op("mul", {first, first}))}));
  EXPECT_EQ(count_of(before, "apply_mask"), 2);
  const Graph after = check(before);
  EXPECT_EQ(count_of(after, "relu"), 0);
  EXPECT_EQ(count_of(after, "apply_mask"), 0);
  EXPECT_EQ(after.nodes.size() + 4, before.nodes.size());
  EXPECT_EQ(fuse_batch_norm(after).nodes.size(), after.nodes.size());
}

TEST_F(FuseBatchNorm, NeedsNoGradient) {
  b.output(b.op("relu", {norm(image)}), "y");
  const Graph after = check(dead_code(*b.finish()));
  EXPECT_EQ(after.nodes.size(), 1u);
}

TEST_F(FuseBatchNorm, NormsThatOthersReadStay) {
  const ValueId y = norm(image);
  EXPECT_EQ(count_of(check(step(b.op("add", {y, b.op("relu", {y})}))), "relu"), 1);
}

TEST_F(FuseBatchNorm, MasksThatOthersReadStay) {
  const std::vector<ValueId> relu = b.op_all("relu", {norm(image)});
  b.output(b.op("apply_mask", {image, relu[1]}), "masked");
  EXPECT_EQ(count_of(check(step(relu[0])), "relu"), 1);
}

// Were the bias overwritten before its new reader, that would read another.
TEST_F(FuseBatchNorm, BiasesUpdatedBeforeTheGradientStay) {
  Graph before = step(b.op("relu", {norm(image)}));
  const ValueId bias = before.find("n0.bias");
  const auto node_of = [&](auto is_it) {
    return static_cast<size_t>(std::ranges::find_if(before.nodes, is_it) - before.nodes.begin());
  };
  const size_t update =
      node_of([&](const Node& n) { return n.op->name == "sgd" && n.inputs[0] == bias; });
  const size_t gradient =
      node_of([](const Node& n) { return n.op->name == "batch_norm_live_grad"; });
  ASSERT_LT(gradient, update);
  ASSERT_LT(update, before.nodes.size());
  before.nodes[update].inputs[1] = before.find("n0.weight");  // any gradient known before
  std::rotate(before.nodes.begin() + static_cast<std::ptrdiff_t>(gradient),
              before.nodes.begin() + static_cast<std::ptrdiff_t>(update),
              before.nodes.begin() + static_cast<std::ptrdiff_t>(update) + 1);
  EXPECT_EQ(count_of(check(before), "relu"), 1);
}

}  // namespace
}  // namespace verge::graph
