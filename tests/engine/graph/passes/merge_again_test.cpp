#include <verge/engine/graph/passes/merge_again.hpp>
#include <verge/engine/graph/planner.hpp>
#include <verge/engine/graph/split_channels.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

// Two convolutions, the second of which learns in one of its input channels.
Graph step() {
  Builder b("net");
  const ValueId first = b.param("first", {DType::F32, {4, 2, 1, 1}});
  const ValueId second = b.param("second", {DType::F32, {4, 4, 1, 1}});
  ValueId x = b.op("conv2d", {b.input("x", {DType::F32, {1, 2, 3, 3}}), first});
  x = b.op("conv2d", {b.op("relu", {x}), second});
  const ValueId loss =
      b.op("reduce_mean", {b.op("mul", {x, x})}, {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
  b.output(loss, "loss");
  const auto split = *split_channels(*b.finish(), {first, second}, {{second, {1, {2}}}}, {});
  return *add_updates(*differentiate(split.graph, loss, split.trainable, split.slices),
                      split.trainable, {.kind = OptimizerKind::Sgd});
}

TEST(MergeAgain, ForGradients) {
  const Graph before = step();
  const Graph after = merge_again(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(count_of(before, "merge_channels"), 1);
  EXPECT_EQ(count_of(after, "merge_channels"), 2);
  for (const Node& node : after.nodes) {
    if (node.op->name != "conv2d_grad_input") continue;
    EXPECT_EQ(after.value(node.inputs[1]).name.substr(after.value(node.inputs[1]).name.find('.')),
              ".again");
  }
}

TEST(MergeAgain, NotWithoutGradients) {
  Builder b("net");
  Tensor list(DType::I32, {1});
  const ValueId w = b.op("merge_channels",
                         {b.param("w", {DType::F32, {2, 2}}), b.param("p", {DType::F32, {2, 1}}),
                          b.constant("list", std::move(list))},
                         {{"axis", int64_t{1}}});
  b.output(b.op("linear", {b.input("x", {DType::F32, {1, 2}}), w}), "y");
  const Graph graph = *b.finish();
  EXPECT_EQ(merge_again(graph).nodes.size(), graph.nodes.size());
}

}  // namespace
}  // namespace verge::graph
