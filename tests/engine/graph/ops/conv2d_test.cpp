#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using graph::Dim;
using List = std::vector<int64_t>;

TEST(Conv2d, ShapeRule) {
  const graph::Type x{DType::F32, {Dim(1, 0), 3, 8, 10}}, w{DType::F32, {6, 3, 3, 3}};
  EXPECT_EQ(inferred("conv2d", {x, w}, {{"strides", List{2, 1}}, {"pads", List{1, 1, 1, 1}}}),
            "f32 [n, 6, 4, 10]");
  expect_refused("conv2d", {x, {DType::F32, {6, 2, 3, 3}}}, {}, "w joins 2 to 6 channels");
  expect_refused("conv2d", {x, {DType::F32, {6, 3, 9, 3}}}, {}, "9x3 does not fit into x, 8x10");
  expect_refused("conv2d", {{DType::F32, {1, 3, Dim(1, 0), 8}}, w}, {}, "only the batch may vary");
}

TEST(Conv2d, SlidesOverPaddingStridesAndDilation) {
  const Operand x = given({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Operand w = given({1, 1, 2, 2}, {1, 10, 100, 1000}), bias = given({1}, {0.5});
  expect_values("conv2d", {x, w, bias}, {}, {5421.5, 6532.5, 8754.5, 9865.5});
  expect_values("conv2d", {x, w}, {{"dilations", List{2, 2}}}, {9731});
  expect_values("conv2d", {x, w}, {{"strides", List{2, 2}}, {"pads", List{1, 1, 0, 0}}},
                {1000, 3200, 7040, 9865});
}

TEST(Conv2d, AddsAResidualAfterOrBeforeTheActivation) {
  const Operand x = given({1, 1, 1, 2}, {-3, 8}), w = given({1, 1, 1, 1}, {1});
  const Operand residual = given({1, 1, 1, 2}, {1, -1});
  expect_values("conv2d", {x, w, absent(), residual}, {{"activation", "relu6"}}, {1, 5});
  expect_values("conv2d", {x, w, absent(), residual},
                {{"activation", "hswish"}, {"activate_sum", int64_t{1}}}, {-1.0 / 3, 7});
  expect_values("conv2d", {x, w}, {{"factor", 2.0}, {"offset", 1.0}}, {-5, 17});
  expect_refused("conv2d",
                 {{DType::F32, {1, 3, 8, 8}},
                  {DType::F32, {6, 3, 3, 3}},
                  {DType::F32, {6}},
                  {DType::F32, {1, 6, 8, 8}}},
                 {}, "residual");
}

TEST(Conv2d, GroupsSeeTheirOwnChannels) {
  expect_values("conv2d", {given({1, 2, 1, 1}, {1, 2}), given({2, 1, 1, 1}, {10, 100})},
                {{"groups", int64_t{2}}}, {10, 200});
}

TEST(Conv2d, Gradient) {
  const Attrs cases[] = {
      {},
      {{"strides", List{2, 2}}, {"pads", List{1, 0, 1, 2}}, {"activation", "relu"}},
      {{"dilations", List{2, 1}}, {"activation", "silu"}},
  };
  for (const Attrs& attrs : cases) {
    expect_gradient("conv2d", {trained({2, 2, 5, 4}), trained({3, 2, 2, 3}), trained({3})}, attrs);
  }
  for (const char* activation : {"relu6", "sigmoid", "hswish", "hsigmoid", "gelu"}) {
    for (const int64_t of_sum : {0, 1}) {
      expect_gradient(
          "conv2d", {trained({1, 2, 3, 3}), trained({2, 2, 2, 2}), absent(), trained({1, 2, 2, 2})},
          {{"activation", activation}, {"activate_sum", of_sum}, {"factor", 3.0}});
    }
  }
  expect_gradient("conv2d", {trained({2, 4, 3, 3}), trained({4, 1, 2, 2})},
                  {{"groups", int64_t{4}}});
}

}  // namespace
}  // namespace verge::support
