#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Phase;
using graph::ValueId;

constexpr DType kReal = DType::F64;

// A Llama block over tied embeddings: attention with grouped heads and rope, gated feed-forward.
struct TinyLlama {
  Builder b{"llama"};
  std::vector<ValueId> weights;
  ValueId loss = kNone;

  ValueId weight(const std::string& name, graph::Dims dims) {
    weights.push_back(b.param(name, {kReal, std::move(dims)}));
    return weights.back();
  }

  ValueId heads(ValueId x, const std::string& name, int64_t count) {
    const ValueId flat = b.op("linear", {x, weight(name, {count * 4, 8})});
    return b.op("reshape", {flat}, graph::dims_attrs({2, 3, count, 4}));
  }

  ValueId attention(ValueId x) {
    const ValueId positions = b.input("positions", {DType::I32, {3}});
    const ValueId frequencies = b.input("frequencies", {kReal, {2}});
    const ValueId angles = b.op("rope_angles", {positions, frequencies});
    const ValueId q = b.op("rope", {heads(x, "q", 2), angles});
    const ValueId k = b.op("rope", {heads(x, "k", 1), angles});
    const ValueId o =
        b.op("attention", {q, k, heads(x, "v", 1)}, {{"causal", int64_t{1}}, {"scale", 0.5}});
    const ValueId joined = b.op("reshape", {o}, graph::dims_attrs({2, 3, 8}));
    return b.op("linear", {joined, weight("o", {8, 8})});
  }

  TinyLlama() {
    const ValueId table = weight("embedding", {7, 8});
    ValueId x = b.op("embedding", {table, b.input("ids", {DType::I32, {2, 3}})});
    const auto norm = [&](const std::string& name) {
      return b.op("rms_norm", {x, weight(name, {8})}, {{"eps", 1e-5}});
    };
    x = b.op("add", {x, attention(norm("attn_norm"))});
    const ValueId h = norm("ffn_norm");
    const ValueId gate = b.op("linear", {h, weight("gate", {6, 8})});
    const ValueId up = b.op("linear", {h, weight("up", {6, 8})});
    x = b.op("add", {x, b.op("linear", {b.op("swiglu", {gate, up}), weight("down", {8, 6})})});
    const ValueId logits = b.op("linear", {norm("out_norm"), table});
    loss = b.op("softmax_cross_entropy", {logits, b.input("targets", {DType::I32, {2, 3}})});
    b.output(loss, "loss");
  }

  Graph finish() { return std::move(b.finish()).value(); }
};

void fill_inputs(GraphRunner& runner, const Graph& graph) {
  for (const graph::Value& value : graph.values) {
    if (value.kind != graph::ValueKind::Param) continue;
    runner.set(value.name, fixed(value.type.dims).values);
  }
  runner.set("ids", {1, 2, 3, 0, 6, 1});
  runner.set("targets", {2, 3, 4, -1, 1, 0});
  runner.set("positions", {0, 1, 2});
  runner.set("frequencies", {1, 0.1});
}

int count_nodes(const Graph& graph, Phase phase, std::string_view op = {}) {
  return static_cast<int>(std::ranges::count_if(graph.nodes, [&](const Node& node) {
    return node.phase == phase && (op.empty() || node.op->name == op);
  }));
}

TEST(Autodiff, GradientsOfALlamaBlockAgreeWithDifferences) {
  TinyLlama model;
  const std::vector<ValueId> weights = model.weights;
  const auto joint = graph::differentiate(model.finish(), model.loss, weights);
  ASSERT_TRUE(joint) << joint.error().message;
  GraphRunner runner(joint->graph);
  fill_inputs(runner, joint->graph);
  std::vector<std::string> names;
  for (ValueId id : weights) names.push_back(joint->graph.value(id).name);
  expect_gradients_agree(runner, model.loss, names, joint->gradients);
}

TEST(Autodiff, NothingIsEmittedBelowTheEarliestTrainableTensor) {
  TinyLlama model;
  const ValueId down = *std::ranges::find_if(
      model.weights, [&](ValueId id) { return model.b.graph().value(id).name == "down"; });
  const auto joint = graph::differentiate(model.finish(), model.loss, {down});
  ASSERT_TRUE(joint) << joint.error().message;
  // dlogits is made forward; dx of the output, through its norm, and dW of `down`.
  EXPECT_EQ(count_nodes(joint->graph, Phase::Backward), 3);
  EXPECT_EQ(count_nodes(joint->graph, Phase::Backward, "matmul"), 2);
}

TEST(Autodiff, OneUseOfAValueAddsNothing) {
  Builder b("chain");
  const ValueId x = b.param("x", {kReal, {3}});
  const ValueId loss = b.op("reduce_sum", {b.op("exp", {x})}, {{"axes", std::vector<int64_t>{0}}});
  const auto joint = graph::differentiate(*b.finish(), loss, {x});
  ASSERT_TRUE(joint);
  EXPECT_EQ(count_nodes(joint->graph, Phase::Backward, "add"), 0);
}

TEST(Autodiff, NamesTheLayerOfAnOperatorWithoutGradient) {
  Builder b("frozen");
  const ValueId x = b.param("x", {kReal, {3}});
  b.source("blk.7");
  const ValueId clipped = b.op("clip_grad", {x}, {{"max_norm", 1.0}});
  const ValueId loss = b.op("reduce_sum", {clipped}, {{"axes", std::vector<int64_t>{0}}});
  const auto joint = graph::differentiate(*b.finish(), loss, {x});
  ASSERT_FALSE(joint);
  EXPECT_EQ(joint.error().code, Code::Unsupported);
  EXPECT_NE(joint.error().message.find("clip_grad (blk.7)"), std::string::npos);
}

TEST(Autodiff, RefusesAParameterThatDoesNotMatter) {
  Builder b("unused");
  const ValueId x = b.param("x", {kReal, {3}}), y = b.param("y", {kReal, {3}});
  const ValueId loss = b.op("reduce_sum", {x}, {{"axes", std::vector<int64_t>{0}}});
  const Graph graph = *b.finish();
  EXPECT_EQ(graph::differentiate(graph, loss, {x, y}).error().message,
            "y does not influence the loss: freeze it");
  EXPECT_EQ(graph::differentiate(graph, loss, {y}).error().code, Code::InvalidArgument);
}

TEST(Autodiff, UpdatesDecayMatricesOnly) {
  TinyLlama model;
  const std::vector<ValueId> weights = model.weights;
  auto joint = graph::differentiate(model.finish(), model.loss, weights);
  ASSERT_TRUE(joint);
  const auto step = graph::add_updates(std::move(*joint), weights, {.weight_decay = 0.1});
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(count_nodes(*step, Phase::Update), static_cast<int>(weights.size()));
  for (const Node& node : step->nodes) {
    if (node.phase != Phase::Update) continue;
    const bool matrix = step->value(node.inputs[0]).type.dims.size() >= 2;
    EXPECT_EQ(node.attrs.real("weight_decay"), matrix ? 0.1 : 0.0);
    EXPECT_EQ(step->value(node.outputs[0]).alias_of, node.inputs[0]);
  }
}

TEST(Autodiff, EveryOptimizerLowersTheLoss) {
  using graph::OptimizerKind;
  for (const OptimizerKind kind : {OptimizerKind::AdamW, OptimizerKind::Sgd, OptimizerKind::Lion}) {
    TinyLlama model;
    const std::vector<ValueId> weights = model.weights;
    auto joint = graph::differentiate(model.finish(), model.loss, weights);
    ASSERT_TRUE(joint);
    const auto step = graph::add_updates(std::move(*joint), weights,
                                         {.kind = kind, .momentum = 0.5, .max_norm = 5});
    ASSERT_TRUE(step) << step.error().message;
    GraphRunner runner(*step);
    fill_inputs(runner, *step);
    runner.set("lr", {kind == OptimizerKind::Sgd ? 0.05 : 0.01});
    std::vector<double> losses;
    for (int i = 1; i <= 20; ++i) {
      if (step->find("step") != kNone) runner.set("step", {static_cast<double>(i)});
      runner.run();
      losses.push_back(runner.get("loss")[0]);
    }
    EXPECT_LT(losses.back(), 0.8 * losses.front());
  }
}

}  // namespace
}  // namespace verge::support
