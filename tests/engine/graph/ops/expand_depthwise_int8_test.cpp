#include "op_check.hpp"

namespace verge::support {
namespace {

using List = std::vector<int64_t>;

Operand levels(graph::Dims dims, int start) {
  int64_t count = 1;
  for (const graph::Dim& dim : dims) count *= dim.factor;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<double>((i * 37 + start) % 200 - 100));
  }
  return given(std::move(dims), std::move(values), DType::I8);
}

TEST(ExpandDepthwiseInt8, IsTwoConvolutions) {
  const Operand x = levels({2, 3, 5, 4}, 3), w = levels({4, 3, 1, 1}, 50),
                w2 = levels({4, 1, 3, 3}, 90), bias = integers({4}, {100, -700, 3, 0}),
                m = given({4}, {0.003, 0.004, 0.005, 0.006}, DType::F32);
  const auto between = evaluate("conv2d_int8", {x, w, bias, m},
                                {{"x_zero", int64_t{-7}},
                                 {"y_zero", int64_t{-20}},
                                 {"low", int64_t{-20}},
                                 {"high", int64_t{90}}})[0];
  const graph::Attrs window{{"strides", List{2, 1}}, {"pads", List{1, 1, 1, 0}}};
  graph::Attrs of_second = window, of_both = window;
  of_second.set("groups", int64_t{4});
  of_second.set("x_zero", int64_t{-20});
  of_second.set("y_zero", int64_t{5});
  of_second.set("low", int64_t{5});
  of_both.set("x_zero", int64_t{-7});
  of_both.set("middle_zero", int64_t{-20});
  of_both.set("middle_low", int64_t{-20});
  of_both.set("middle_high", int64_t{90});
  of_both.set("y_zero", int64_t{5});
  of_both.set("low", int64_t{5});
  expect_values("expand_depthwise_int8", {x, w, bias, m, w2, bias, m}, of_both,
                evaluate("conv2d_int8", {given({2, 4, 5, 4}, between, DType::I8), w2, bias, m},
                         of_second)[0]);
}

TEST(ExpandDepthwiseInt8, ShapeRule) {
  const graph::Type x{DType::I8, {1, 3, 8, 8}}, w{DType::I8, {6, 3, 1, 1}}, b{DType::I32, {6}},
      m{DType::F32, {6}}, w2{DType::I8, {6, 1, 3, 3}};
  EXPECT_EQ(inferred("expand_depthwise_int8", {x, w, b, m, w2, b, m}, {{"strides", List{2, 2}}}),
            "i8 [1, 6, 3, 3]");
  expect_refused("expand_depthwise_int8", {x, {DType::I8, {6, 3, 3, 3}}, b, m, w2, b, m}, {},
                 "the first w");
  expect_refused("expand_depthwise_int8", {x, w, b, m, {DType::I8, {6, 6, 3, 3}}, b, m}, {},
                 "the second w");
  expect_refused("expand_depthwise_int8", {x, w, b, m, w2, b, m}, {{"middle_zero", int64_t{128}}},
                 "middle_zero is 128");
  expect_refused("expand_depthwise_int8", {x, w, b, m, w2, b, m},
                 {{"middle_low", int64_t{3}}, {"middle_high", int64_t{2}}}, "[3, 2]");
  expect_refused("expand_depthwise_int8",
                 {{DType::I8, {1, 33000, 8, 8}}, {DType::I8, {6, 33000, 1, 1}}, b, m, w2, b, m}, {},
                 "do not fit 32 bits");
}

}  // namespace
}  // namespace verge::support
