#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

TEST(Builder, KeepsTheFirstMistake) {
  Builder b("model");
  b.source("blk.0.ffn");
  const ValueId x = b.input("x", {DType::F32, {2, 3}});
  const ValueId bad = b.op("linear", {x, b.param("w", {DType::F32, {5, 4}})});
  EXPECT_EQ(bad, kNone);
  EXPECT_EQ(b.op("exp", {bad}), kNone);
  const auto graph = b.finish();
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().message.find("linear (blk.0.ffn): x has extent 3"), std::string::npos);
}

TEST(Builder, MarksNodesWithPhaseAndLayer) {
  Builder b("model");
  b.phase(Phase::Backward);
  b.source("head");
  b.output(b.op("exp", {b.input("x", {DType::F32, {2}})}), "y");
  const auto graph = b.finish();
  ASSERT_TRUE(graph);
  EXPECT_EQ(graph->nodes[0].phase, Phase::Backward);
  EXPECT_EQ(graph->nodes[0].source, "head");
  EXPECT_TRUE(graph->value(graph->find("y")).is_output);
}

TEST(Builder, OutputsOfUpdatesOverwriteTheirInput) {
  Builder b("model");
  const ValueId p = b.param("p", {DType::F32, {2}}), lr = b.input("lr", {DType::F32, {}});
  const ValueId updated = b.op("sgd", {p, b.input("g", {DType::F32, {2}}), kNone, lr});
  EXPECT_EQ(b.graph().root(updated), p);
}

}  // namespace
}  // namespace verge::graph
