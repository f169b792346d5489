#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs over(std::vector<int64_t> axes, int64_t keep = 0) {
  return {{"axes", axes}, {"keep", keep}};
}

TEST(ReduceSum, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 5}};
  EXPECT_EQ(inferred("reduce_sum", {x}, over({-1})), "f32 [n, 2]");
  EXPECT_EQ(inferred("reduce_sum", {x}, over({0, 2}, 1)), "f32 [1, 2, 1]");
  expect_refused("reduce_sum", {x}, over({3}), "axis 3 of 3");
}

TEST(ReduceSum, Values) {
  const Operand x = given({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values("reduce_sum", {x}, over({0}), {5, 7, 9});
  expect_values("reduce_sum", {x}, over({0, 1}), {21});
}

TEST(ReduceSum, Gradient) {
  expect_gradient("reduce_sum", {trained({2, 3, 4})}, over({0, 2}));
  expect_gradient("reduce_sum", {trained({2, 3, 4})}, over({1}, 1));
}

}  // namespace
}  // namespace verge::support
