#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LayerNorm, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3, 8}}, weight{DType::F32, {8}};
  EXPECT_EQ(inferred("layer_norm", {x, weight, weight}), "f32 [2, 3, 8], f32 [2, 3], f32 [2, 3]");
  expect_refused("layer_norm", {x, weight, {DType::F32, {9}}}, {}, "bias is [9]");
}

TEST(LayerNorm, HasMeanZeroAndVarianceOneBeforeItsWeight) {
  const auto outputs =
      evaluate("layer_norm", {given({1, 2}, {1, 5}), given({2}, {1, 2}), given({2}, {10, 20})},
               {{"eps", 0.0}});
  expect_near(outputs[0], {9, 22});
  expect_near(outputs[1], {3});
  expect_near(outputs[2], {0.5});
}

TEST(LayerNorm, Gradient) {
  expect_gradient("layer_norm", {trained({3, 5}), trained({5}), trained({5})}, {{"eps", 1e-5}});
  expect_gradient("layer_norm", {fixed({3, 5}), fixed({5}), trained({5})}, {{"eps", 1e-5}});
}

}  // namespace
}  // namespace verge::support
