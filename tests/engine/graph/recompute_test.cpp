#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/planner.hpp>
#include <verge/engine/graph/recompute.hpp>

#include "op_check.hpp"
#include "pass_check.hpp"

namespace verge::support {
namespace {

using graph::Builder;
using graph::Graph;
using graph::ValueId;

// Alternating products and activations: every activation is kept for its product's gradient.
Graph chain_step(int layers) {
  Builder b("chain");
  std::vector<ValueId> weights;
  ValueId x = b.input("x", {DType::F64, {16, 8}});
  for (int i = 0; i < layers; ++i) {
    b.source(fmt::format("layer.{}", i));
    weights.push_back(b.param(fmt::format("w{}", i), {DType::F64, {8, 8}}));
    x = b.op("gelu", {b.op("linear", {x, weights.back()})});
  }
  const ValueId loss = b.op("softmax_cross_entropy", {x, b.input("labels", {DType::I32, {16}})});
  b.output(loss, "loss");
  auto joint = graph::differentiate(*b.finish(), loss, weights);
  return *graph::add_updates(std::move(*joint), weights, {.kind = graph::OptimizerKind::Sgd});
}

int64_t arena_of(const Graph& graph) {
  return graph::plan_memory(graph).arena_bytes;
}

TEST(Recompute, LessMemoryTheSameResults) {
  const Graph step = chain_step(6);
  const int64_t before = arena_of(step);
  const graph::Recomputed result = graph::recompute(step, before * 2 / 3, arena_of);
  EXPECT_LE(result.arena_bytes, before * 2 / 3);
  EXPECT_EQ(result.arena_bytes, arena_of(result.graph));
  EXPECT_GT(result.values, 0);
  GraphRunner wanted = run_on_random_values(step, {}),
              found = run_on_random_values(result.graph, {});
  for (const graph::Value& value : step.values) {
    if (!outlives_run(value)) continue;
    EXPECT_EQ(found.get(value.name), wanted.get(value.name)) << value.name;
  }
}

TEST(Recompute, ChangesNothingThatFits) {
  const Graph step = chain_step(3);
  const graph::Recomputed result = graph::recompute(step, arena_of(step), arena_of);
  EXPECT_EQ(result.values, 0);
  EXPECT_EQ(result.graph.nodes.size(), step.nodes.size());
}

TEST(Recompute, StopsWhereNothingHelps) {
  const Graph step = chain_step(4);
  const graph::Recomputed result = graph::recompute(step, 1, arena_of);
  EXPECT_GT(result.arena_bytes, 1);
  EXPECT_LT(result.arena_bytes, arena_of(step));
  expect_same_results(step, result.graph);
}

}  // namespace
}  // namespace verge::support
