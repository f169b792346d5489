#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(SoftmaxCrossEntropy, ShapeRule) {
  const graph::Type logits{DType::F32, {graph::Dim(1, 0), 5}};
  EXPECT_EQ(inferred("softmax_cross_entropy", {logits, {DType::I32, {graph::Dim(1, 0)}}}),
            "f32 [], f32 [n, 5]");
  expect_refused("softmax_cross_entropy", {logits, {DType::I32, {3}}}, {},
                 "targets is [3] instead of [n]");
}

// Rows of probabilities 1/4, 3/4; the second does not count.
TEST(SoftmaxCrossEntropy, IsTheMeanOverTheRowsThatCount) {
  const double x = std::log(3.0);
  const auto outputs = evaluate("softmax_cross_entropy",
                                {given({3, 2}, {0, x, 0, x, 0, x}), integers({3}, {1, -1, 0})});
  expect_near(outputs[0], {(std::log(4.0 / 3) + std::log(4.0)) / 2});
  expect_near(outputs[1], {0.125, -0.125, 0, 0, -0.375, 0.375});
}

TEST(SoftmaxCrossEntropy, Gradient) {
  expect_gradient("softmax_cross_entropy", {trained({4, 5}), integers({4}, {2, -1, 0, 4})});
}

}  // namespace
}  // namespace verge::support
