#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/update_into_gradient.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

struct Net {
  Graph graph;
  ValueId loss;
  std::vector<ValueId> trainable;  // "w" only: "frozen" is not
};

Net small_net() {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F64, {6, 4}});
  const ValueId frozen = b.param("frozen", {DType::F64, {5, 4}});
  const ValueId w = b.param("w", {DType::F64, {3, 5}});
  const ValueId y = b.op("linear", {b.op("tanh", {b.op("linear", {x, frozen})}), w});
  const ValueId loss = b.op("reduce_mean", {b.op("mul", {y, y})});
  b.output(loss, "loss");
  return {*b.finish(), loss, {w}};
}

TEST(Accumulation, AddsSharesInPlaceForTheUpdatedSetOnly) {
  const Net net = small_net();
  auto joint = differentiate(net.graph, net.loss, net.trainable);
  joint->graph.value(joint->gradients[0]).is_output = true;
  joint->graph.value(joint->gradients[0]).name = "dw";
  const auto pass = accumulate_gradients(*joint, net.trainable, 4);
  ASSERT_TRUE(pass) << pass.error().message;
  EXPECT_NE(pass->find("w.g"), kNone);
  EXPECT_EQ(pass->find("frozen.g"), kNone);
  EXPECT_EQ(pass->value(pass->find("w.g'")).alias_of, pass->find("w.g"));
  const auto ran = support::run_on_random_values(*pass, {});
  const std::vector<double> dw = ran.get("dw"), sum = ran.get("w.g");
  Rng start(std::hash<std::string>{}("w.g"));
  for (size_t i = 0; i < dw.size(); ++i) {
    EXPECT_NEAR(sum[i], start.uniform() + 0.1 + dw[i] / 4, 1e-12);
  }
}

// The product that makes the gradient adds to the accumulator itself.
TEST(Accumulation, TheGradientIsNeverMaterialised) {
  const Net net = small_net();
  const Graph before =
      *accumulate_gradients(*differentiate(net.graph, net.loss, net.trainable), net.trainable, 2);
  const Graph after = update_into_gradient(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "sgd"), 0);
  EXPECT_EQ(count_of(after, "sgd_matmul"), 1);
}

TEST(Accumulation, TheUpdateReadsTheAccumulators) {
  const Net net = small_net();
  const auto update =
      updates_from_accumulators(net.graph, net.trainable, {.kind = OptimizerKind::AdamW});
  ASSERT_TRUE(update) << update.error().message;
  EXPECT_EQ(update->nodes.size(), 1u);
  EXPECT_EQ(update->nodes[0].inputs[1], update->find("w.g"));
  EXPECT_NE(update->find("lr"), kNone);
}

}  // namespace
}  // namespace verge::graph
