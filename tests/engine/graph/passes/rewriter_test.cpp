#include <verge/engine/graph/passes/rewriter.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

TEST(Rewriter, PutsNodesBeforeAndTakesNodesAway) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId twice = b.op("scale", {x}, {{"factor", 2.0}});
  const ValueId y = b.op("relu", {b.op("scale", {twice}, {{"factor", 3.0}, {"offset", 1.0}})});
  b.output(y, "y");
  Graph graph = *b.finish();
  Rewriter rewriter(graph);
  rewriter.for_each_node([&](Node& node) {
    if (node.op->name != "relu") return node.attrs.real("factor") != 2;
    const auto views = rewriter.scaled(node.inputs[0], node);
    EXPECT_EQ(views.size(), 2u);
    EXPECT_EQ(views.back().base, x);
    EXPECT_EQ(views.back().offset, 1);
    EXPECT_EQ(rewriter.uses(node.inputs[0]), 1u);
    EXPECT_EQ(rewriter.uses(node.outputs[0]), 1u);
    EXPECT_FALSE(rewriter.may_vanish(node));
    node.inputs = {rewriter.before(node, "exp", {node.inputs[0]}, {})};
    return true;
  });
  ASSERT_TRUE(verify(graph));
  ASSERT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.nodes[0].inputs[0], x);
  EXPECT_EQ(graph.nodes[1].op->name, "exp");
  EXPECT_EQ(graph.nodes[2].inputs[0], graph.nodes[1].outputs[0]);
}

TEST(Rewriter, NumbersThatAreNearlyEqual) {
  EXPECT_TRUE(is_nearly(1.0000005, 1));
  EXPECT_FALSE(is_nearly(1.00001, 1));
  EXPECT_TRUE(is_nearly(1.00001, 1, 1e-4));
  EXPECT_FALSE(is_nearly(1e-9, 0));
}

}  // namespace
}  // namespace verge::graph
