#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs part(int64_t axis, int64_t start, int64_t size) {
  return {{"axis", axis}, {"start", start}, {"size", size}};
}

TEST(Slice, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 12}};
  EXPECT_EQ(inferred("slice", {x}, part(-1, 4, 8)), "f32 [n, 8]");
  expect_refused("slice", {x}, part(1, 8, 8), "[8, 16) is outside of x, which has 12");
  expect_refused("slice", {x}, part(0, 0, 1), "outside of x");
}

TEST(Slice, Values) {
  const Operand x = given({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  expect_values("slice", {x}, part(1, 1, 2), {2, 3, 4, 5, 8, 9, 10, 11});
  expect_values("slice", {x}, part(2, 1, 1), {1, 3, 5, 7, 9, 11});
}

TEST(Slice, Gradient) {
  expect_gradient("slice", {trained({2, 5, 3})}, part(1, 1, 3));
}

}  // namespace
}  // namespace verge::support
