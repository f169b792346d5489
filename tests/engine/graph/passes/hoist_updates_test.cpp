#include <algorithm>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/pass.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

Graph training_graph(Builder& b, ValueId y, const std::vector<ValueId>& weights, double max_norm) {
  const ValueId loss = b.op("reduce_mean", {y});
  b.output(loss, "loss");
  return *add_updates(*differentiate(*b.finish(), loss, weights), weights,
                      {.kind = OptimizerKind::Sgd, .max_norm = max_norm});
}

size_t first_update(const Graph& graph) {
  const auto at = std::ranges::find(graph.nodes, Phase::Update, &Node::phase);
  return static_cast<size_t>(at - graph.nodes.begin());
}

TEST(HoistUpdates, UpdatesFollowTheirGradients) {
  Builder b("deep");
  ValueId y = b.input("x", {DType::F64, {3, 4}});
  std::vector<ValueId> weights;
  for (const char* name : {"w1", "w2", "w3"}) {
    weights.push_back(b.param(name, {DType::F64, {4, 4}}));
    y = b.op("tanh", {b.op("linear", {y, weights.back()})});
  }
  const Graph before = training_graph(b, y, weights, 0);
  const Graph after = hoist_updates(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(first_update(before), before.nodes.size() - 3);
  EXPECT_EQ(after.nodes[first_update(after)].source, "w3");
  EXPECT_LT(first_update(after), before.nodes.size() - 6);
}

// The gradient by x reads the weight after the gradient by the weight is complete and clipped.
TEST(HoistUpdates, AWeightIsOverwrittenAfterItsLastReader) {
  Builder b("left");
  const ValueId v = b.param("v", {DType::F64, {4, 4}}), w = b.param("w", {DType::F64, {4, 4}});
  const ValueId y = b.op("matmul", {w, b.op("tanh", {v})});
  const Graph before = training_graph(b, y, {v, w}, 0.5);
  support::expect_same_results(before, hoist_updates(before));
}

// The channels that are updated are taken out where their gradient is, not at the beginning.
TEST(HoistUpdates, SlicesOfWeightsWaitForTheirGradients) {
  Builder b("sliced");
  const ValueId w = b.param("w", {DType::F64, {4, 4}});
  const ValueId y = b.op("tanh", {b.op("linear", {b.input("x", {DType::F64, {3, 4}}), w})});
  const ValueId loss = b.op("reduce_mean", {y});
  b.output(loss, "loss");
  const Graph before = *add_updates(*differentiate(*b.finish(), loss, {w}, {{w, {1, {0, 2}}}}), {w},
                                    {.kind = OptimizerKind::Sgd});
  const Graph after = hoist_updates(before);
  support::expect_same_results(before, after);
  const auto producers = producers_of(after);
  const size_t slice = first_update(after);
  const auto update =
      std::ranges::find(after.nodes, "sgd", [](const Node& n) { return n.op->name; });
  ASSERT_NE(update, after.nodes.end());
  ASSERT_EQ(after.nodes[slice].outputs[0], update->inputs[0]);
  EXPECT_GT(static_cast<NodeId>(slice), producers[static_cast<size_t>(update->inputs[1])]);
}

TEST(HoistUpdates, ReadersThroughViewsCount) {
  Builder b("view");
  const Attrs square{{"dims", std::vector<int64_t>{4, 4}},
                     {"symbols", std::vector<int64_t>{-1, -1}}};
  const ValueId v = b.param("v", {DType::F64, {4, 4}}), w = b.param("w", {DType::F64, {16}});
  const ValueId y = b.op("matmul", {b.op("reshape", {w}, square), b.op("tanh", {v})});
  const Graph after = hoist_updates(training_graph(b, y, {v, w}, 0));
  size_t last_view_reader = 0, update = 0;
  for (size_t n = 0; n < after.nodes.size(); ++n) {
    const Node& node = after.nodes[n];
    for (const Node& other : after.nodes) {
      if (other.op->is_view && other.inputs[0] == after.find("w") &&
          std::ranges::count(node.inputs, other.outputs[0]) > 0) {
        last_view_reader = n;
      }
    }
    if (node.op->name == "sgd" && node.source == "w") update = n;
  }
  EXPECT_GT(update, last_view_reader);
}

}  // namespace
}  // namespace verge::graph
