#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/update_into_gradient.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

// Two linear layers, the second weight used twice if `tied`.
Graph training_graph(const OptimizerSpec& optimizer, bool tied = false) {
  Builder b("mlp");
  const ValueId x = b.input("x", {DType::F64, {5, 4}});
  const std::vector<ValueId> weights = {b.param("w1", {DType::F64, {4, 4}}),
                                        b.param("w2", {DType::F64, {4, 4}})};
  ValueId y = b.op("tanh", {b.op("linear", {x, weights[0]})});
  y = b.op("linear", {y, weights[1]});
  if (tied) y = b.op("linear", {y, weights[1]});
  const ValueId loss = b.op_all("mse_loss", {y, b.input("target", {DType::F64, {5, 4}})})[0];
  b.output(loss, "loss");
  return *add_updates(*differentiate(*b.finish(), loss, weights), weights, optimizer);
}

TEST(UpdateIntoGradient, PlainSgdNeverStoresTheGradient) {
  const Graph before = training_graph({.kind = OptimizerKind::Sgd, .weight_decay = 0.1});
  const Graph after = update_into_gradient(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(after, "sgd_matmul"), 2);
  EXPECT_EQ(count_of(after, "sgd"), 0);
  EXPECT_EQ(after.nodes.size() + 2, before.nodes.size());
}

TEST(UpdateIntoGradient, OfLevelsToo) {
  Builder b("levels");
  const ValueId w = b.param("w", {DType::I8, {3, 2, 3, 3}});
  const ValueId m = b.param("m", {DType::F32, {3}});
  const ValueId y = b.op("conv2d_int8", {b.input("x", {DType::I8, {2, 2, 5, 5}}), w, kNone, m});
  const ValueId loss = b.op("reduce_sum", {b.op("dequantize", {y}, {{"scale", 0.5}})},
                            {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
  b.output(loss, "loss");
  JointGraph joint = *differentiate(*b.finish(), loss, {w});
  joint.scales[w] = {m, 0.5};
  const Graph before =
      *add_updates(std::move(joint), {w}, {.kind = OptimizerKind::Sgd, .remainders = true});
  const Graph after = update_into_gradient(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(before, "sgd_int8"), 1);
  EXPECT_EQ(count_of(after, "sgd_int8"), 0);
  EXPECT_EQ(count_of(after, "sgd_conv2d_int8"), 1);
}

TEST(UpdateIntoGradient, SumsMomentumAndOtherOptimizersStay) {
  const Graph tied = training_graph({.kind = OptimizerKind::Sgd}, true);
  EXPECT_EQ(count_of(update_into_gradient(tied), "sgd_matmul"), 1);
  const OptimizerSpec others[] = {{.kind = OptimizerKind::Sgd, .momentum = 0.9},
                                  {.kind = OptimizerKind::AdamW},
                                  {.kind = OptimizerKind::Sgd, .max_norm = 1}};
  for (const OptimizerSpec& optimizer : others) {
    const Graph before = training_graph(optimizer);
    EXPECT_EQ(update_into_gradient(before).nodes.size(), before.nodes.size());
  }
}

}  // namespace
}  // namespace verge::graph
