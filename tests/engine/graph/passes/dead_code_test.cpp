#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::count_of;

TEST(DeadCode, RemovesWhatNobodyReadsAndKeepsInputsAndStates) {
  Builder b("unread");
  const ValueId x = b.input("x", {DType::F32, {4}});
  b.input("unused", {DType::F32, {4}});
  b.state("moment", {DType::F32, {4}});
  b.op("exp", {b.op("add", {x, b.param("p", {DType::F32, {4}})})});
  b.output(b.op("scale", {x}, {{"factor", 2.0}}), "y");
  const Graph before = *b.finish();
  const Graph after = dead_code(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), 1u);
  EXPECT_EQ(after.find("p"), kNone);
  EXPECT_NE(after.find("unused"), kNone);
  EXPECT_NE(after.find("moment"), kNone);
}

TEST(DeadCode, UnreadOutputsBecomeAbsent) {
  Builder b("mask");
  b.output(b.op("relu", {b.input("x", {DType::F32, {4}})}), "y");
  const Graph before = *b.finish();
  const Graph after = dead_code(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes[0].outputs[1], kNone);
  EXPECT_EQ(after.values.size(), 2u);
}

TEST(DeadCode, UpdatesOfParametersStay) {
  Builder b("update");
  const ValueId p = b.param("p", {DType::F32, {4}}), g = b.input("g", {DType::F32, {4}});
  const ValueId lr = b.input("lr", {DType::F32, {}});
  b.op("sgd", {p, b.op("exp", {g}), b.state("velocity", {DType::F32, {4}}), lr},
       {{"momentum", 0.9}});
  const Graph before = *b.finish();
  const Graph after = dead_code(before);
  support::expect_same_results(before, after);
  EXPECT_EQ(after.nodes.size(), 2u);
}

}  // namespace
}  // namespace verge::graph
