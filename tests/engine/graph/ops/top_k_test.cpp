#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs top(int64_t k, int64_t axis = -1, int64_t largest = 1) {
  return {{"k", k}, {"axis", axis}, {"largest", largest}};
}

TEST(TopK, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 5}};
  EXPECT_EQ(inferred("top_k", {x}, top(3)), "f32 [n, 3], i32 [n, 3]");
  expect_refused("top_k", {x}, top(6), "k is 6, there are 5");
  expect_refused("top_k", {x}, top(0), "k is 0");
  expect_refused("top_k", {x}, top(1, 0), "there are n");
}

// The values, then their places.
void expect_found(const Operand& x, const graph::Attrs& attrs, const std::vector<double>& values,
                  const std::vector<double>& places) {
  const auto outputs = evaluate("top_k", {x}, attrs);
  expect_near(outputs[0], values);
  expect_near(outputs[1], places);
}

TEST(TopK, OfEqualOnesTheFirst) {
  const Operand x = given({2, 4}, {1, 3, 3, 2, -1, -2, -1, -2});
  expect_found(x, top(2), {3, 3, -1, -1}, {1, 2, 0, 2});
  expect_found(x, top(3, 1, 0), {1, 2, 3, -2, -2, -1}, {0, 3, 1, 1, 3, 0});
  expect_found(x, top(1, 0), {1, 3, 3, 2}, {0, 0, 0, 0});
}

TEST(TopK, WhatIsNoNumberIsLargest) {
  const auto outputs = evaluate("top_k", {given({4}, {1, NAN, HUGE_VAL, NAN})}, top(4));
  expect_near(outputs[1], {1, 3, 2, 0});
  expect_near(evaluate("top_k", {given({3}, {NAN, 2, 1})}, top(2, 0, 0))[1], {2, 1});
}

TEST(TopK, Gradient) {
  expect_gradient("top_k", {trained({3, 5})}, top(2));
  expect_gradient("top_k", {trained({4, 2, 2})}, top(3, 0, 0));
}

}  // namespace
}  // namespace verge::support
