#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Quantize, RoundsHalfToEvenAndSaturates) {
  const Operand x = given({6}, {0.25, 0.75, -0.25, 1, 1000, -1000});
  expect_values("quantize", {x}, {{"scale", 0.5}}, {0, 2, 0, 2, 127, -128});
  expect_values("quantize", {x}, {{"scale", 0.5}, {"zero_point", int64_t{10}}, {"to", "u8"}},
                {10, 12, 10, 12, 255, 0});
}

TEST(Quantize, WhatIsNoNumberIsTheLargestLevel) {
  const Operand x = given({3}, {std::nan(""), HUGE_VAL, -HUGE_VAL});
  expect_values("quantize", {x}, {{"scale", 0.5}}, {127, 127, -128});
}

TEST(Quantize, ByChannel) {
  expect_values("quantize", {given({2, 2}, {1, 2, 10, 20}), given({2}, {1, 10})},
                {{"axis", int64_t{0}}}, {1, 2, 1, 2});
}

TEST(Quantize, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3}};
  expect_refused("quantize", {x}, {}, "gives the scale");
  expect_refused("quantize", {x, {DType::F32, {2}}}, {{"axis", int64_t{1}}},
                 "scale is [2] instead of [3]");
}

}  // namespace
}  // namespace verge::support
