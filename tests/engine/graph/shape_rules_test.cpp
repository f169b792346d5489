#include <gtest/gtest.h>

#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph {
namespace {

TEST(ShapeRules, DimsSurviveTheirAttributes) {
  const Dims dims = {3, Dim(2, 0), Dim(1, 1)};
  EXPECT_EQ(dims_of(dims_attrs(dims)), dims);
  EXPECT_EQ(dims_of({{"dims", std::vector<int64_t>{4, 5}}}), (Dims{4, 5}));
}

TEST(ShapeRules, ShowsExtentsByTheirSymbols) {
  Graph graph;
  graph.symbols = {{"tokens", 8}};
  EXPECT_EQ(show_dims(graph, {64, Dim(1, 0), Dim(3, 0)}), "[64, tokens, 3*tokens]");
  EXPECT_EQ(show_dims(graph, {}), "[]");
}

TEST(ShapeRules, FailuresNameTheArgumentTheLayerAndAllInputs) {
  Graph graph;
  graph.values.emplace_back();
  graph.values[0].type = {DType::F32, {4, 5}};
  const Node node{find_op("exp"), {0}, {}, {}, Phase::Forward, "blk.2"};
  const InferContext context{graph, node, {}};
  EXPECT_TRUE(expect_dim(context, 0, "x", -1, 5));
  EXPECT_EQ(expect_dim(context, 0, "x", 0, 3).error().message,
            "exp (blk.2): x has extent 4 along axis 0 instead of 3; its inputs are f32 [4, 5]");
  EXPECT_FALSE(expect_rank(context, 0, "x", 3));
  EXPECT_FALSE(expect_min_rank(context, 0, "x", 3));
  EXPECT_FALSE(expect_dims(context, 0, "x", {5, 4}));
  EXPECT_FALSE(expect_dtype(context, 0, "x", DType::I32));
}

TEST(ShapeRules, ComputesInF32ExceptForF64) {
  EXPECT_EQ(compute_dtype(DType::F64), DType::F64);
  EXPECT_EQ(compute_dtype(DType::BF16), DType::F32);
  EXPECT_EQ(compute_dtype(DType::Q4_K), DType::F32);
}

}  // namespace
}  // namespace verge::graph
