#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using graph::Dim;
using List = std::vector<int64_t>;

graph::Type conv_int8_x(graph::Dims dims, DType dtype = DType::U8) {
  return {dtype, std::move(dims)};
}

Operand conv_int8_bytes(graph::Dims dims, std::vector<double> values, DType dtype = DType::I8) {
  return given(std::move(dims), std::move(values), dtype);
}

Operand conv_int8_factors(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return given({count}, std::move(values), DType::F32);
}

TEST(Conv2dInt8, ShapeRule) {
  const graph::Type w{DType::I8, {6, 3, 3, 3}}, bias{DType::I32, {6}}, factor{DType::F32, {6}};
  const graph::Type x = conv_int8_x({Dim(1, 0), 3, 8, 10});
  const Attrs strided{{"strides", List{2, 1}}, {"pads", List{1, 1, 1, 1}}, {"to", "u8"}};
  EXPECT_EQ(inferred("conv2d_int8", {x, w, bias, factor}, strided), "u8 [n, 6, 4, 10]");
  EXPECT_EQ(inferred("conv2d_int8", {conv_int8_x({2, 8, 10, 3}), w, bias, factor},
                     {{"layout", "nhwc"}, {"to", "f32"}}),
            "f32 [2, 6, 8, 6]");
  expect_refused("conv2d_int8", {{DType::F32, {1, 3, 8, 8}}, w, bias, factor}, {},
                 "x is f32, not i8 or u8");
  expect_refused("conv2d_int8", {x, w, {DType::F32, {6}}, factor}, {},
                 "bias is f32 instead of i32");
  expect_refused("conv2d_int8", {x, w, bias}, {}, "multiplier is missing");
  expect_refused("conv2d_int8", {x, w, bias, factor}, {{"x_zero", int64_t{-1}}},
                 "x_zero is -1, which is no u8");
  expect_refused("conv2d_int8", {x, w, bias, factor}, {{"y_zero", int64_t{128}}},
                 "y_zero is 128; i8 holds [-128, 127]");
  expect_refused("conv2d_int8", {x, w, bias, factor}, {{"low", int64_t{3}}, {"high", int64_t{2}}},
                 "[low, high] is [3, 2]");
  expect_refused("conv2d_int8", {x, w, bias, factor}, {{"to", "i16"}}, "to is \"i16\"");
  expect_refused("conv2d_int8", {x, w, bias, factor}, {{"groups", int64_t{2}}}, "in 2 groups");
  expect_refused("conv2d_int8",
                 {conv_int8_x({1, 70000, 1, 1}), {DType::I8, {1, 70000, 1, 1}}, bias, factor}, {},
                 "bias is [6] instead of [1]");
  expect_refused("conv2d_int8",
                 {conv_int8_x({1, 70000, 1, 1}),
                  {DType::I8, {1, 70000, 1, 1}},
                  {DType::I32, {1}},
                  {DType::F32, {1}}},
                 {}, "do not fit 32 bits");
  expect_refused("conv2d_int8",
                 {conv_int8_x({1, 33000, 1, 1}),  // beside a bias below 2^30
                  {DType::I8, {1, 33000, 1, 1}},
                  {DType::I32, {1}},
                  {DType::F32, {1}}},
                 {}, "do not fit 32 bits");
}

TEST(Conv2dInt8, RoundsHalfToEvenAndClips) {
  const Operand x = conv_int8_bytes({1, 1, 1, 6}, {1, 3, 5, 255, 0, 10}, DType::U8);
  const Operand w = conv_int8_bytes({1, 1, 1, 1}, {1}), half = conv_int8_factors({0.5});
  expect_values("conv2d_int8", {x, w, absent(), half}, {{"to", "u8"}}, {0, 2, 2, 128, 0, 5});
  expect_values("conv2d_int8", {x, w, absent(), half}, {{"y_zero", int64_t{-100}}},
                {-100, -98, -98, 28, -100, -95});
  expect_values("conv2d_int8", {x, w, absent(), half},
                {{"low", int64_t{1}}, {"high", int64_t{4}}, {"to", "u8"}}, {1, 2, 2, 4, 1, 4});
  expect_values("conv2d_int8", {x, w, integers({1}, {1}), half}, {{"to", "f32"}},
                {1, 2, 3, 128, 0.5, 5.5});
}

TEST(Conv2dInt8, PaddingHasTheLevelOfZero) {
  const Operand x = conv_int8_bytes({1, 1, 1, 2}, {130, 126}, DType::U8);
  const Operand w = conv_int8_bytes({1, 1, 1, 3}, {1, 10, 100}), one = conv_int8_factors({1});
  expect_values("conv2d_int8", {x, w, absent(), one},
                {{"x_zero", int64_t{128}}, {"pads", List{0, 1, 0, 1}}, {"to", "f32"}},
                {20 - 200, 2 - 20});
}

TEST(Conv2dInt8, GroupsHaveFactorsOfTheirOwnInBothLayouts) {
  const Operand w = conv_int8_bytes({2, 1, 1, 1}, {10, -100}),
                factors = conv_int8_factors({0.5, 0.1});
  const Operand bias = integers({2}, {2, -200});
  expect_values("conv2d_int8", {conv_int8_bytes({1, 2, 1, 2}, {1, 2, 3, 4}), w, bias, factors},
                {{"groups", int64_t{2}}}, {6, 11, -50, -60});
  expect_values("conv2d_int8", {conv_int8_bytes({1, 1, 2, 2}, {1, 3, 2, 4}), w, bias, factors},
                {{"groups", int64_t{2}}, {"layout", "nhwc"}}, {6, -50, 11, -60});
}

}  // namespace
}  // namespace verge::support
