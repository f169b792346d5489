#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LinearInt8, ShapeRule) {
  const graph::Type x{DType::U8, {graph::Dim(1, 0), 4}}, w{DType::I8, {3, 4}};
  const graph::Type bias{DType::I32, {3}}, factor{DType::F32, {3}};
  EXPECT_EQ(inferred("linear_int8", {x, w, bias, factor}, {{"to", "f32"}}), "f32 [n, 3]");
  expect_refused("linear_int8", {x, {DType::I8, {3, 5}}, bias, factor}, {}, "x");
  expect_refused("linear_int8", {x, {DType::U8, {3, 4}}, bias, factor}, {},
                 "w is u8 instead of i8");
}

TEST(LinearInt8, SumsLevelsAndRounds) {
  const Operand x = given({2, 2}, {1, 2, 255, 0}, DType::U8);
  const Operand w = given({2, 2}, {1, -3, 2, 127}, DType::I8);
  const Operand bias = integers({2}, {7, 0}), factor = given({2}, {0.5, 0.25}, DType::F32);
  expect_values("linear_int8", {x, w, bias, factor},
                {{"x_zero", int64_t{1}}, {"y_zero", int64_t{3}}, {"to", "u8"}}, {5, 35, 135, 98});
  expect_values("linear_int8", {x, w, absent(), factor}, {{"low", int64_t{0}}}, {0, 64, 127, 127});
}

}  // namespace
}  // namespace verge::support
