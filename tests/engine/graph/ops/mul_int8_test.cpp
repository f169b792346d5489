#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;

TEST(MulInt8, ByElementAndByChannel) {
  const Attrs attrs{{"multiplier", 0.5},
                    {"a_zero", int64_t{1}},
                    {"b_zero", int64_t{2}},
                    {"y_zero", int64_t{3}},
                    {"to", "u8"}};
  expect_values("mul_int8", {given({3}, {1, 4, 255}, DType::U8), given({3}, {9, 3, 5}, DType::I8)},
                attrs, {3, 5, 255});
  const Operand factors = given({1, 2, 1, 1}, {4, 8}, DType::U8);
  expect_values("mul_int8", {given({1, 2, 1, 2}, {1, 2, 3, 4}, DType::U8), factors}, attrs,
                {3, 4, 9, 12});
  Attrs pixels = attrs;
  pixels.set("layout", std::string("nhwc"));
  expect_values(
      "mul_int8",
      {given({1, 1, 2, 2}, {1, 3, 2, 4}, DType::U8), given({1, 1, 1, 2}, {4, 8}, DType::U8)},
      pixels, {3, 9, 4, 12});
}

TEST(MulInt8, ShapeRule) {
  const graph::Type a{DType::U8, {2, 3, 4, 5}};
  expect_refused("mul_int8", {a, a}, {}, "no multiplier");
  expect_refused("mul_int8", {a, a}, {{"multiplier", 0.0}}, "multiplier is 0");
  expect_refused("mul_int8", {a, {DType::U8, {2, 4, 1, 1}}}, {{"multiplier", 1.0}}, "b is");
}

}  // namespace
}  // namespace verge::support
