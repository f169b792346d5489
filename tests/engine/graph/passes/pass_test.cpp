#include <verge/engine/graph/passes/pass.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

TEST(Pass, QuestionsAboutAGraph) {
  Builder b("update");
  const ValueId p = b.param("p", {DType::F32, {4}}), lr = b.input("lr", {DType::F32, {}});
  const ValueId view =
      b.op("reshape", {p},
           {{"dims", std::vector<int64_t>{2, 2}}, {"symbols", std::vector<int64_t>{-1, -1}}});
  const ValueId g = b.op("exp", {p});
  b.output(b.op("exp", {view}), "y");
  b.op("sgd", {p, g, kNone, lr});
  const Graph graph = *b.finish();
  EXPECT_EQ(readers_of(graph)[static_cast<size_t>(p)], (std::vector<NodeId>{0, 1, 3}));
  EXPECT_EQ(producers_of(graph)[static_cast<size_t>(g)], 1);
  EXPECT_EQ(producers_of(graph)[static_cast<size_t>(p)], -1);
  EXPECT_TRUE(overwritten_values(graph)[static_cast<size_t>(p)]);
  // The update waits for the reader of the view too.
  EXPECT_EQ(predecessors_of(graph)[3], (std::vector<NodeId>{0, 1, 2}));
}

TEST(Pass, WhatAProductCanTakeOver) {
  Builder b("layer");
  const ValueId x = b.input("x", {DType::F32, {2, 4}});
  const ValueId y = b.op("exp", {x});
  const ValueId z = b.op("gelu", {y}, {{"approximate", std::string("none")}});
  const std::vector<ValueId> relu = b.op_all("relu", {z});
  b.op("silu", {relu[0]});
  b.output(relu[0], "y");
  b.phase(Phase::Backward);
  b.op("exp", {b.op("gelu", {x})});
  const Graph graph = *b.finish();
  const auto readers = readers_of(graph);
  EXPECT_EQ(only_reader(graph, readers, 0), 1);
  EXPECT_EQ(only_reader(graph, readers, 2), -1);  // a result of the graph
  EXPECT_EQ(only_reader(graph, readers, 3), -1);  // read by nobody
  EXPECT_EQ(only_reader(graph, readers, 4), 5);
  EXPECT_EQ(epilogue_activation(graph.nodes[0]), "");
  EXPECT_EQ(epilogue_activation(graph.nodes[1]), "gelu_erf");
  EXPECT_EQ(epilogue_activation(graph.nodes[2]), "");  // keeps its mask
  EXPECT_EQ(epilogue_activation(graph.nodes[3]), "silu");
  EXPECT_EQ(epilogue_activation(graph.nodes[4]), "gelu");
  Node without_mask = graph.nodes[2];
  without_mask.outputs.resize(1);
  EXPECT_EQ(epilogue_activation(without_mask), "relu");
}

}  // namespace
}  // namespace verge::graph
