#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(RmsNorm, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 8}};
  EXPECT_EQ(inferred("rms_norm", {x, {DType::F32, {8}}}), "f32 [n, 8], f32 [n]");
  expect_refused("rms_norm", {x, {DType::F32, {7}}}, {}, "weight is [7] instead of [8]");
}

TEST(RmsNorm, DividesByTheRootMeanSquare) {
  const auto outputs =
      evaluate("rms_norm", {given({2, 2}, {3, 4, 0, 2}), given({2}, {1, 10})}, {{"eps", 0.0}});
  const double first = std::sqrt(12.5), second = std::sqrt(2);
  expect_near(outputs[0], {3 / first, 40 / first, 0, 20 / second});
  expect_near(outputs[1], {1 / first, 1 / second});
}

TEST(RmsNorm, Gradient) {
  expect_gradient("rms_norm", {trained({3, 5}), trained({5})}, {{"eps", 1e-5}});
  expect_gradient("rms_norm", {trained({2, 2, 4})}, {{"eps", 1e-5}});
}

}  // namespace
}  // namespace verge::support
