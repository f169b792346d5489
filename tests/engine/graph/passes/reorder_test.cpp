#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/graph/planner.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

// Two wide branches that end in a narrow value each, written so that both are open at once.
TEST(Reorder, ClosesOneBranchBeforeItOpensTheNext) {
  Builder b("branches");
  const ValueId x = b.input("x", {DType::F32, {4, 4}});
  const auto widen = [&](const char* name) {
    return b.op("linear", {x, b.param(name, {DType::F32, {64, 4}})});
  };
  const auto narrow = [&](ValueId v) {
    return b.op("reduce_mean", {v}, {{"axes", std::vector<int64_t>{1}}});
  };
  b.phase(Phase::Backward);
  const ValueId left = widen("w1"), right = widen("w2");
  const ValueId sum = b.op("add", {narrow(left), narrow(right)});
  b.output(sum, "y");
  const Graph before = *b.finish();
  const Graph after = reorder(before);
  support::expect_same_results(before, after);
  EXPECT_LT(plan_memory(after).arena_bytes, plan_memory(before).arena_bytes * 3 / 4);
}

TEST(Reorder, NeverPlansALargerArenaThanItWasGiven) {
  for (int layers = 1; layers <= 6; ++layers) {
    Builder b("deep");
    const ValueId x = b.input("x", {DType::F64, {16, 8}});
    ValueId y = x;
    std::vector<ValueId> weights;
    for (int i = 0; i < layers; ++i) {
      weights.push_back(b.param(fmt::format("w{}", i), {DType::F64, {8, 8}}));
      y = b.op("add", {b.op("tanh", {b.op("linear", {y, weights.back()})}), y});
    }
    const ValueId loss = b.op_all("mse_loss", {y, x})[0];
    b.output(loss, "loss");
    const Graph before = hoist_updates(*add_updates(*differentiate(*b.finish(), loss, weights),
                                                    weights, {.kind = OptimizerKind::Lion}));
    const Graph after = reorder(before);
    support::expect_same_results(before, after);
    EXPECT_LE(plan_memory(after).arena_bytes, plan_memory(before).arena_bytes);
  }
}

TEST(Reorder, LeavesInferenceAlone) {
  Builder b("forward");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId late = b.op("exp", {x}), early = b.op("tanh", {x});
  b.output(b.op("add", {early, late}), "y");
  EXPECT_EQ(reorder(*b.finish()).nodes[0].op->name, "exp");
}

}  // namespace
}  // namespace verge::graph
