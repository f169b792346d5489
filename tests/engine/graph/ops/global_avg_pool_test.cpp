#include <verge/engine/graph/graph_cost.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(GlobalAvgPool, Values) {
  expect_values("global_avg_pool", {given({1, 2, 1, 2}, {1, 3, 10, 20})}, {}, {2, 15});
  EXPECT_EQ(inferred("global_avg_pool", {{DType::F32, {graph::Dim(1, 0), 3, 7, 7}}}), "f32 [n, 3]");
  graph::Builder b("pool");
  b.output(b.op("global_avg_pool", {b.input("x", {DType::F32, {2, 3, 7, 7}})}), "y");
  EXPECT_EQ(graph::cost_of(*b.finish()).flops, 2 * 3 * 7 * 7);
}

TEST(GlobalAvgPool, Gradient) {
  expect_gradient("global_avg_pool", {trained({2, 3, 2, 2})});
}

}  // namespace
}  // namespace verge::support
