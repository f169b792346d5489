#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs of(graph::Dims x, int64_t axis) {
  graph::Attrs attrs = graph::dims_attrs(x);
  attrs.set("axis", axis);
  return attrs;
}

TEST(GatherGrad, ShapeRule) {
  const graph::Type indices{DType::I32, {4, 5}};
  EXPECT_EQ(inferred("gather_grad", {indices, {DType::F32, {3, 4, 5, 2}}}, of({3, 7, 2}, 1)),
            "f32 [3, 7, 2]");
  expect_refused("gather_grad", {indices, {DType::F32, {3, 4, 2}}}, of({3, 7, 2}, 1), "dy");
  expect_refused("gather_grad", {indices, {DType::F32, {4, 5}}}, of({7}, 1), "axis 1");
  expect_refused("gather_grad", {indices, {DType::F32, {3, 4, 5, 2}}}, of({3, 0, 2}, 1),
                 "nothing to gather from");
}

// Rows that are taken twice get the sum, those beyond go to the nearest.
TEST(GatherGrad, Values) {
  const Operand dy = given({3, 2}, {1, 2, 10, 20, 100, 200});
  expect_values("gather_grad", {integers({3}, {1, 1, -1}), dy}, of({4, 2}, 0),
                {0, 0, 11, 22, 0, 0, 100, 200});
  expect_values("gather_grad", {given({2}, {9, -9}), given({2, 2}, {1, 2, 3, 4})}, of({2, 3}, 1),
                {2, 0, 1, 4, 0, 3});
}

}  // namespace
}  // namespace verge::support
