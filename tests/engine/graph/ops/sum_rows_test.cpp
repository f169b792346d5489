#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(SumRows, Values) {
  expect_values("sum_rows", {given({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})}, {}, {16, 20});
}

TEST(SumRows, ShapeRule) {
  EXPECT_EQ(inferred("sum_rows", {{DType::F32, {graph::Dim(1, 0), 2, 5}}}), "f32 [5]");
  expect_refused("sum_rows", {{DType::F32, {}}}, {}, "at least 1");
}

TEST(SumRows, Gradient) {
  expect_gradient("sum_rows", {trained({2, 3, 4})});
}

}  // namespace
}  // namespace verge::support
