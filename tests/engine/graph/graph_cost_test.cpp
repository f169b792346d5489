#include <gtest/gtest.h>

#include <verge/engine/graph/graph_cost.hpp>

#include "layered_graph.hpp"

namespace verge::graph {
namespace {

TEST(GraphCost, IsTheSumOfTheNodesAndViewsAreFree) {
  Builder b("small");
  const ValueId x = b.input("x", {DType::F32, {4, 8}});
  const ValueId y = b.op("linear", {x, b.param("w", {DType::F32, {16, 8}})});
  b.op("reshape", {y}, {{"dims", std::vector<int64_t>{64}}, {"symbols", std::vector<int64_t>{-1}}});
  EXPECT_EQ(cost_of(*b.finish()).flops, 2.0 * 4 * 8 * 16);
  const double one = cost_of(support::layered_graph(1)).flops;
  const double two = cost_of(support::layered_graph(2)).flops;
  const double three = cost_of(support::layered_graph(3)).flops;
  EXPECT_DOUBLE_EQ(three - two, two - one);
}

}  // namespace
}  // namespace verge::graph
