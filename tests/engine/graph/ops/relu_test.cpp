#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Dim;

TEST(Relu, ShapeRule) {
  EXPECT_EQ(inferred("relu", {{DType::F32, {3, 3}}}), "f32 [3, 3], u8 [2]");
  EXPECT_EQ(inferred("relu", {{DType::F32, {Dim(1, 0), 12}}}), "f32 [n, 12], u8 [2*n]");
}

TEST(Relu, KeepsABitForEachElement) {
  const auto outputs = evaluate("relu", {given({9}, {1, -1, 2, 0, -3, 4, 5, -6, 7})});
  expect_near(outputs[0], {1, 0, 2, 0, 0, 4, 5, 0, 7});
  expect_near(outputs[1], {1 + 4 + 32 + 64, 1});
}

TEST(Relu, Gradient) {
  expect_gradient("relu", {trained({3, 5})});
}

}  // namespace
}  // namespace verge::support
