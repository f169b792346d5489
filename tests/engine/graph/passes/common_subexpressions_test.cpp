#include <verge/engine/graph/passes/common_subexpressions.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

Graph check(Builder& b) {
  const Graph before = *b.finish();
  Graph after = common_subexpressions(before);
  support::expect_same_results(before, after);
  return after;
}

TEST(CommonSubexpressions, EqualChainsAreComputedOnce) {
  Builder b("twice");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const auto chain = [&](double factor) {
    return b.op("exp", {b.op("scale", {x}, {{"factor", factor}})});
  };
  b.output(b.op("mul", {b.op("add", {chain(2), chain(2)}), chain(3)}), "y");
  const Graph after = check(b);
  EXPECT_EQ(count_of(after, "exp"), 2);
  EXPECT_EQ(count_of(after, "scale"), 2);
}

TEST(CommonSubexpressions, DropoutsOfDifferentStreamsDiffer) {
  Builder b("dropouts");
  const ValueId x = b.input("x", {DType::F32, {64}}), seed = b.input("seed", {DType::I64, {}});
  const auto drop = [&](int64_t stream) {
    return b.op("dropout", {x, seed}, {{"rate", 0.5}, {"stream", stream}});
  };
  b.output(b.op("add", {b.op("add", {drop(1), drop(2)}), drop(1)}), "y");
  EXPECT_EQ(count_of(check(b), "dropout"), 2);
}

TEST(CommonSubexpressions, UpdatesOutputsAndBackwardWorkStay) {
  Builder b("stay");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId lr = b.input("lr", {DType::F32, {}});
  for (const char* name : {"first", "second"}) b.output(b.op("exp", {x}), name);
  b.phase(Phase::Backward);
  const ValueId again = b.op("exp", {x});
  for (const char* name : {"p", "q"}) {
    b.op("sgd", {b.param(name, {DType::F32, {4}}), again, kNone, lr});
  }
  const Graph after = check(b);
  EXPECT_EQ(count_of(after, "exp"), 3);
  EXPECT_EQ(count_of(after, "sgd"), 2);
}

}  // namespace
}  // namespace verge::graph
