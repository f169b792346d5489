#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(GatherRows, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 4}};
  EXPECT_EQ(inferred("gather_rows", {x, {DType::I32, {3}}}), "f32 [3, 4]");
  expect_refused("gather_rows", {x, {DType::I64, {3}}}, {}, "rows is i64");
}

TEST(GatherRows, PicksRows) {
  expect_values("gather_rows", {given({3, 2}, {1, 2, 3, 4, 5, 6}), integers({2}, {2, 2})}, {},
                {5, 6, 5, 6});
}

TEST(GatherRows, Gradient) {
  expect_gradient("gather_rows", {trained({4, 2}), integers({3}, {1, 3, 1})});
}

}  // namespace
}  // namespace verge::support
