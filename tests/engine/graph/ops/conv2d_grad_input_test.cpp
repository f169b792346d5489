#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Conv2dGradInput, SpreadsOverTheWindow) {
  const Operand dy = given({1, 1, 1, 2}, {1, 10}), w = given({1, 1, 1, 2}, {2, 3});
  expect_values("conv2d_grad_input", {dy, w}, {{"height", int64_t{1}}, {"width", int64_t{3}}},
                {2, 23, 30});
  expect_refused("conv2d_grad_input", {dy.type, w.type},
                 {{"height", int64_t{1}}, {"width", int64_t{4}}},
                 "dy is [1, 1, 1, 2] instead of [1, 1, 1, 3]");
}

TEST(Conv2dGradInput, AnotherPartAndAMaskFollow) {
  const Operand dy = given({1, 1, 1, 2}, {1, 10}), w = given({1, 1, 1, 2}, {2, 3});
  const Operand other = given({1, 1, 1, 3}, {1, 2, 3}), passed = given({1, 1, 1, 3}, {0, 6, 2});
  const graph::Attrs attrs{
      {"height", int64_t{1}}, {"width", int64_t{3}}, {"min", 0.0}, {"max", 6.0}};
  expect_values("conv2d_grad_input", {dy, w, other}, attrs, {3, 25, 33});
  expect_values("conv2d_grad_input", {dy, w, other, passed}, attrs, {0, 0, 33});
  expect_refused("conv2d_grad_input", {dy.type, w.type, dy.type}, attrs,
                 "other is [1, 1, 1, 2] instead of [1, 1, 1, 3]");
}

// A clip of f32 gives its bounds as f32, which are other numbers: what is one of them has not
// passed.
TEST(Conv2dGradInput, BoundsAreThoseOfTheMasksType) {
  const auto f32 = [](std::vector<double> values) {
    return given({1, 1, 1, 1}, values, DType::F32);
  };
  const graph::Attrs attrs{
      {"height", int64_t{1}}, {"width", int64_t{1}}, {"min", 0.1}, {"max", 0.7}};
  const Operand dy = f32({2}), w = f32({3});
  expect_values("conv2d_grad_input", {dy, w, absent(), f32({0.5})}, attrs, {6});
  for (const float bound : {0.1f, 0.7f}) {
    expect_values("conv2d_grad_input", {dy, w, absent(), f32({bound})}, attrs, {0});
  }
}

}  // namespace
}  // namespace verge::support
