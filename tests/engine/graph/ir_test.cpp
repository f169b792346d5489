#include <gtest/gtest.h>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {
namespace {

TEST(Attrs, AreSortedAndReplaced) {
  Attrs attrs = {{"b", 2.5}, {"a", int64_t{1}}};
  attrs.set("b", int64_t{7});
  EXPECT_EQ(attrs.entries()[0].first, "a");
  EXPECT_EQ(attrs.entries().size(), 2u);
  EXPECT_EQ(attrs.real("b"), 7);
  EXPECT_EQ(attrs.integer("c", 9), 9);
  EXPECT_TRUE(attrs.list("c").empty());
}

TEST(Graph, ShapesFollowTheExtentsOfSymbols) {
  Graph graph;
  graph.symbols = {{"batch", 4}, {"tokens", 100}};
  const Type type{DType::F16, {Dim(1, 0), Dim(2, 1), 8}};
  EXPECT_EQ(graph.bound_shape(type), (Shape{4, 200, 8}));
  const int64_t extents[] = {1, 3};
  EXPECT_EQ(graph.actual_shape(type, extents), (Shape{1, 6, 8}));
  graph.values.emplace_back();
  graph.values[0].name.assign(1, 'x');
  graph.values[0].type = type;
  EXPECT_EQ(bound_bytes(graph, 0), 2 * 4 * 200 * 8);
  EXPECT_EQ(graph.find("x"), 0);
  EXPECT_EQ(graph.find("y"), kNone);
}

}  // namespace
}  // namespace verge::graph
