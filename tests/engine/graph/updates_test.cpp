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

// A weight and a bias of levels.
Result<Graph> try_level_step(const OptimizerSpec& spec) {
  Builder b("levels");
  const ValueId w = b.param("w", {DType::I8, {3, 2, 1, 1}}), bias = b.param("b", {DType::I32, {3}});
  const ValueId m = b.param("m", {DType::F32, {3}});
  const ValueId y = b.op("conv2d_int8", {b.input("x", {DType::I8, {2, 2, 5, 5}}), w, bias, m});
  const ValueId loss = b.op("reduce_sum", {b.op("dequantize", {y}, {{"scale", 0.5}})},
                            {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
  b.output(loss, "loss");
  JointGraph joint = *differentiate(*b.finish(), loss, {w, bias});
  joint.scales = {{w, {m, 0.5}}, {bias, {m, 0.25}}};
  return add_updates(std::move(joint), {w, bias}, spec);
}
Graph level_step(const OptimizerSpec& spec) {
  return *try_level_step(spec);
}

TEST(Updates, OfLevelsKeepTheirTypes) {
  const Graph graph = level_step({.kind = OptimizerKind::Sgd, .remainders = true});
  const Status status = verify(graph);
  ASSERT_TRUE(status) << status.error().message;
  int updates = 0;
  for (const Node& node : graph.nodes) {
    if (node.op->name != "sgd_int8") continue;
    ++updates;
    const Value& param = graph.value(node.inputs[0]);
    EXPECT_EQ(node.attrs.real("ratio"), param.name == "w" ? 0.5 : 0.25);
    EXPECT_EQ(node.inputs[3] != kNone, param.name == "w");
    EXPECT_EQ(graph.value(node.outputs[0]).type.dtype, param.type.dtype);
  }
  EXPECT_EQ(updates, 2);
  EXPECT_EQ(graph.value(graph.find("w.rest")).type.dtype, DType::I8);
  EXPECT_NE(graph.find("step"), kNone);
}

TEST(Updates, OfLevelsUnscaledAndAdaptive) {
  for (const Node& node : level_step({.kind = OptimizerKind::Sgd, .level_scaling = false}).nodes) {
    if (node.op->name != "sgd_int8") continue;
    EXPECT_EQ(node.inputs[2], kNone);
  }
  for (const OptimizerKind kind : {OptimizerKind::AdamW, OptimizerKind::Lion}) {
    const Graph graph = level_step({.kind = kind});
    const Status status = verify(graph);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_NE(graph.find("w.m"), kNone);
    int updates = 0;
    for (const Node& node : graph.nodes) updates += node.op->name == "sgd_int8";
    EXPECT_EQ(updates, 2);
  }
}

// How far two equal gradients move a weight: 1 and then 1 + momentum of the first step, each by
// the square of the scale.
TEST(Updates, MomentumOfLevelsIsScaledAsGradientsAre) {
  for (const bool is_scaled : {true, false}) {
    const Graph graph =
        level_step({.kind = OptimizerKind::Sgd, .momentum = 0.5, .level_scaling = is_scaled});
    support::GraphRunner runner(graph);
    runner.set("m", {0.25, 0.25, 0.25});
    runner.set("x", std::vector<double>(2 * 2 * 25, 1));
    runner.set("lr", {is_scaled ? 1.0 / 64 : 1.0});
    runner.run();
    // 50 places of a sum, of 0.5 by level of the result and 0.25 by level of the sum: 6.25.
    const double step = is_scaled ? 6.25 / (0.125 * 0.125) / 64 : 6.25;
    EXPECT_NEAR(runner.get("w")[0], -step, 1);
    runner.run();
    EXPECT_NEAR(runner.get("w")[0], -2.5 * step, 2);
  }
}

TEST(Updates, LevelsDecayUnderPlainDescentAlone) {
  EXPECT_TRUE(try_level_step({.kind = OptimizerKind::Sgd, .weight_decay = 0.1}));
  for (const OptimizerSpec& spec :
       {OptimizerSpec{.kind = OptimizerKind::AdamW, .weight_decay = 0.1},
        OptimizerSpec{.kind = OptimizerKind::Sgd, .momentum = 0.9, .weight_decay = 0.1}}) {
    const auto refused = try_level_step(spec);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Unsupported);
    EXPECT_NE(refused.error().message.find("weight decay 0.1"), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::graph
