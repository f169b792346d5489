#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(RmsNormGrad, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 8}}, weight{DType::F32, {8}};
  const graph::Type rstd{DType::F32, {graph::Dim(1, 0)}};
  EXPECT_EQ(inferred("rms_norm_grad", {x, weight, rstd, x}), "f32 [n, 8], f32 [8]");
  expect_refused("rms_norm_grad", {x, weight, weight, x}, {}, "rstd is [8]");
}

// A gradient along x itself vanishes: the norm does not see the length of x.
TEST(RmsNormGrad, IgnoresTheLengthOfX) {
  const auto outputs = evaluate(
      "rms_norm_grad",
      {given({1, 2}, {3, 4}), absent(), given({1}, {1 / std::sqrt(12.5)}), given({1, 2}, {3, 4})});
  expect_near(outputs[0], {0, 0});
  expect_near(outputs[1], {9 / std::sqrt(12.5), 16 / std::sqrt(12.5)});
}

}  // namespace
}  // namespace verge::support
