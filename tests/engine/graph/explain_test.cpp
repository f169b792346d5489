#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/explain.hpp>

#include "layered_graph.hpp"

namespace verge::graph {
namespace {

TEST(Explain, AValueIsKeptByItsLastReaderThroughViews) {
  Builder b("view");
  const ValueId x = b.op("exp", {b.input("x", {DType::F32, {4, 4}})});
  const ValueId view = b.op(
      "reshape", {x}, {{"dims", std::vector<int64_t>{16}}, {"symbols", std::vector<int64_t>{-1}}});
  b.op("sqrt", {x});
  b.output(b.op("exp", {view}), "y");
  const Graph graph = *b.finish();
  const MemoryPlan plan = plan_memory(graph);
  const ValueLife life = life_of(graph, plan, x);
  EXPECT_EQ(life.producer, 0);
  EXPECT_EQ(life.readers, (std::vector<NodeId>{2, 3}));
  EXPECT_FALSE(life.is_output);
  ASSERT_FALSE(life.shares.empty());
  EXPECT_EQ(life.shares[0], view);
}

TEST(Explain, SaysWhichPhaseKeepsAnActivation) {
  Builder b(support::layered_graph(2, false, false));
  const ValueId loss = b.op("reduce_mean", {b.graph().find("y")});
  const ValueId weight = b.graph().find("blk.0.up");
  const Graph graph = differentiate(b.graph(), loss, {weight})->graph;
  const MemoryPlan plan = plan_memory(graph);
  const auto story = explain(graph, plan, graph.value(graph.nodes[1].outputs[0]).name);
  ASSERT_TRUE(story) << story.error().message;
  EXPECT_NE(story->find("made by node 1, linear blk.0.ffn (forward)"), std::string::npos) << *story;
  EXPECT_NE(story->find("(backward), its last reader"), std::string::npos) << *story;
  EXPECT_NE(story->find("offset "), std::string::npos) << *story;
  const auto parameter = explain(graph, plan, "blk.0.up");
  ASSERT_TRUE(parameter);
  EXPECT_NE(parameter->find("made by the caller"), std::string::npos) << *parameter;
}

TEST(Explain, UnknownNamesGetNearOnes) {
  const Graph graph = support::layered_graph(2);
  const auto story = explain(graph, plan_memory(graph), "blk.1");
  ASSERT_FALSE(story);
  EXPECT_EQ(story.error().code, Code::NotFound);
  EXPECT_NE(story.error().message.find("blk.1.up"), std::string::npos) << story.error().message;
  const auto mistyped = explain(graph, plan_memory(graph), "blk.0.pu");
  ASSERT_FALSE(mistyped);
  EXPECT_NE(mistyped.error().message.find("blk.0.up"), std::string::npos)
      << mistyped.error().message;
}

}  // namespace
}  // namespace verge::graph
