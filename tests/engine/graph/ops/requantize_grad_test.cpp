#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(RequantizeGrad, ScalesWhatPasses) {
  expect_values(
      "requantize_grad",
      {given({1, 2, 2}, {1, 2, 3, 4}), given({1}, {0b1011}, DType::U8), given({2}, {10, 100})},
      {{"factor", 0.5}}, {5, 10, 0, 200});
  expect_values("requantize_grad", {given({2}, {1, 2})}, {{"factor", 3.0}}, {3, 6});
}

TEST(RequantizeGrad, ShapeRule) {
  const graph::Type dy{DType::F32, {2, 3, 4}};
  EXPECT_EQ(inferred("requantize_grad", {dy, {DType::U8, {3}}, {DType::F32, {3}}}),
            "f32 [2, 3, 4]");
  expect_refused("requantize_grad", {dy, {DType::U8, {3}}, {DType::F32, {4}}}, {}, "multiplier");
  expect_refused("requantize_grad", {dy, {DType::U8, {4}}}, {}, "mask");
  expect_refused("requantize_grad", {dy}, {{"factor", HUGE_VAL}}, "factor is inf");
}

}  // namespace
}  // namespace verge::support
