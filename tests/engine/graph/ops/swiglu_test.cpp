#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Swiglu, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 4}};
  EXPECT_EQ(inferred("swiglu", {x, x}), "f32 [n, 4]");
  expect_refused("swiglu", {x, {DType::F32, {3, 4}}}, {}, "input 1 is [3, 4] instead of [n, 4]");
}

TEST(Swiglu, Values) {
  const double gate = std::log(3.0);
  expect_values("swiglu", {given({2}, {gate, 0}), given({2}, {10, 10})}, {}, {7.5 * gate, 0});
}

TEST(Swiglu, Gradient) {
  expect_gradient("swiglu", {trained({2, 3}, -3, 3), trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
