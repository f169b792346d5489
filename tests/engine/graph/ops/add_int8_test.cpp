#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;

TEST(AddInt8, JoinsTwoScales) {
  const Operand a = given({4}, {10, 0, 255, 5}, DType::U8);
  const Operand b = given({4}, {-1, 3, 127, 0}, DType::I8);
  const Attrs attrs{{"a_multiplier", 0.5},   {"a_zero", int64_t{4}}, {"b_multiplier", 2.0},
                    {"b_zero", int64_t{-1}}, {"y_zero", int64_t{1}}, {"to", "u8"}};
  expect_values("add_int8", {a, b}, attrs, {4, 7, 255, 3});
}

TEST(AddInt8, ShapeRule) {
  const graph::Type a{DType::U8, {2, 3}};
  const Attrs attrs{{"a_multiplier", 0.5}, {"b_multiplier", 2.0}};
  EXPECT_EQ(inferred("add_int8", {a, a}, attrs), "i8 [2, 3]");
  expect_refused("add_int8", {a, {DType::U8, {3}}}, attrs, "b is [3]");
  expect_refused("add_int8", {a, a}, {{"a_multiplier", 0.5}}, "no b_multiplier");
  expect_refused("add_int8", {a, a}, {{"a_multiplier", 0.5}, {"b_multiplier", 1e39}},
                 "b_multiplier is 1e+39");
}

}  // namespace
}  // namespace verge::support
