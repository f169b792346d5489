#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Dim;
using graph::dims_attrs;

TEST(Reshape, ShapeRule) {
  const graph::Type x{DType::F32, {Dim(1, 0), 12}};
  EXPECT_EQ(inferred("reshape", {x}, dims_attrs({Dim(1, 0), 3, 4})), "f32 [n, 3, 4]");
  EXPECT_EQ(inferred("reshape", {x}, dims_attrs({Dim(12, 0)})), "f32 [12*n]");
  expect_refused("reshape", {x}, dims_attrs({12}), "x [n, 12] does not have as many");
  expect_refused("reshape", {x}, dims_attrs({Dim(12, 7)}), "no such symbol");
  expect_refused("reshape", {x}, dims_attrs({Dim(int64_t{1} << 62), Dim(16)}), "too many elements");
}

TEST(Reshape, KeepsTheElements) {
  expect_values("reshape", {given({2, 2}, {1, 2, 3, 4})}, dims_attrs({4, 1}), {1, 2, 3, 4});
}

TEST(Reshape, Gradient) {
  expect_gradient("reshape", {trained({2, 6})}, dims_attrs({3, 4}));
}

}  // namespace
}  // namespace verge::support
