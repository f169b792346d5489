// Kernels on 8-bit levels agree with their references bit for bit, on odd sizes.

#include <cmath>

#include <gtest/gtest.h>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

using graph::Attrs;
using List = std::vector<int64_t>;

Attrs with(Attrs attrs, const Attrs& more) {
  for (const auto& [name, value] : more.entries()) attrs.set(name, value);
  return attrs;
}

const Attrs kPixels{{"layout", "nhwc"}};

struct ConvOfLevels {
  int64_t batch, height, width, in, out, kernel;
  Attrs attrs = {};
};

// For sums of `terms` products of random levels: results spread over the range.
OpInput factors(int64_t out, int64_t terms) {
  const double usual = 60 / (128.0 * 74 * std::sqrt(static_cast<double>(terms)));
  return {{DType::F32, {out}}, [usual](size_t, Rng& rng) { return usual * (0.5 + rng.uniform()); }};
}

void expect_conv_agreement(const ConvOfLevels& c) {
  const int64_t groups = c.attrs.integer("groups", 1), in = c.in / groups;
  const OpInput w = packed_levels({c.out, in, c.kernel, c.kernel});
  const OpInput bias{{DType::I32, {c.out}},
                     [](size_t, Rng& rng) { return static_cast<int>(rng.below(20000)) - 10000; }};
  const Attrs attrs = with(c.attrs, kPixels);
  const graph::Dims dims = {c.batch, c.height, c.width, c.in};
  const OpInput factor = factors(c.out, in * c.kernel * c.kernel);
  expect_agreement({"conv2d_int8",
                    {levels(DType::U8, dims), w, bias, factor},
                    with(attrs, {{"x_zero", int64_t{131}}, {"to", "u8"}, {"y_zero", int64_t{100}}}),
                    0});
  expect_agreement({"conv2d_int8",
                    {levels(DType::I8, dims), w, absent(), factor},
                    with(attrs, {{"x_zero", int64_t{-7}}, {"low", int64_t{0}}}),
                    0});
  expect_agreement(
      {"conv2d_int8", {levels(DType::U8, dims), w, bias, factor}, with(attrs, {{"to", "f32"}}), 0});
}

TEST(Int8Ops, PointwiseConvolutions) {
  expect_conv_agreement({1, 1, 1, 4, 16, 1});
  expect_conv_agreement({2, 5, 3, 8, 33, 1});
  expect_conv_agreement({3, 7, 7, 20, 100, 1});
  expect_conv_agreement({1, 13, 9, 7, 5, 1});
  expect_conv_agreement({1, 2, 3, 64, 150, 1});
  expect_conv_agreement({2, 9, 8, 12, 24, 1, {{"strides", List{2, 2}}}});
  expect_conv_agreement({1, 40, 40, 96, 80, 1});
}

TEST(Int8Ops, ConvolutionsWithWindows) {
  const Attrs same{{"pads", List{1, 1, 1, 1}}};
  expect_conv_agreement({2, 9, 7, 3, 17, 3, same});
  expect_conv_agreement({3, 5, 4, 16, 32, 3, same});
  expect_conv_agreement(
      {1, 17, 15, 3, 8, 7, {{"pads", List{3, 3, 3, 3}}, {"strides", List{2, 2}}}});
  expect_conv_agreement({2, 8, 9, 5, 48, 3, {{"pads", List{0, 2, 1, 0}}, {"strides", List{1, 2}}}});
  expect_conv_agreement(
      {1, 9, 9, 6, 5, 3, {{"dilations", List{2, 3}}, {"pads", List{1, 3, 2, 2}}}});
  expect_conv_agreement({1, 6, 6, 8, 20, 2});
  expect_conv_agreement({1, 1, 2, 4, 3, 3, {{"pads", List{3, 4, 3, 4}}}});
  expect_conv_agreement({1, 60, 70, 32, 16, 3, same});
}

TEST(Int8Ops, GroupedAndDepthwiseConvolutions) {
  const Attrs same{{"pads", List{1, 1, 1, 1}}};
  const auto in_groups = [&](int64_t groups) { return with(same, {{"groups", groups}}); };
  expect_conv_agreement({1, 6, 5, 12, 18, 3, in_groups(3)});
  expect_conv_agreement({2, 4, 4, 10, 4, 3, in_groups(2)});
  expect_conv_agreement({2, 7, 6, 24, 24, 3, in_groups(24)});
  expect_conv_agreement({1, 9, 8, 64, 64, 3, in_groups(64)});
  expect_conv_agreement({1, 9, 8, 130, 130, 3, in_groups(130)});
  expect_conv_agreement({1, 9, 9, 65, 65, 3, with(in_groups(65), {{"strides", List{2, 2}}})});
  expect_conv_agreement({2, 9, 9, 5, 5, 5, {{"groups", int64_t{5}}, {"pads", List{2, 2, 2, 2}}}});
  expect_conv_agreement({1, 4, 4, 64, 64, 2, {{"groups", int64_t{64}}}});
  expect_conv_agreement({1, 5, 5, 6, 12, 3, in_groups(6)});
}

// Factors that are no numbers, or make none of a sum: the same level everywhere.
TEST(Int8Ops, WhatIsNoNumberIsOneLevel) {
  const OpInput factor{{DType::F32, {19}}, [](size_t i, Rng&) {
                         return i % 3 == 0 ? std::nan("") : i % 3 == 1 ? HUGE_VAL : -HUGE_VAL;
                       }};
  const OpInput x{{DType::U8, {1, 4, 4, 19}}, [](size_t i, Rng&) { return i % 5 == 0 ? 7 : 0; }};
  for (const char* to : {"i8", "u8"}) {
    const Attrs attrs{{"to", to}, {"y_zero", int64_t{3}}, {"high", int64_t{100}}};
    for (const int64_t groups : {1, 19}) {
      Attrs of_conv = with(attrs, {{"groups", groups}});
      const OpInput w = packed_levels({19, 19 / groups, 1, 1});
      expect_agreement({"conv2d_int8", {x, w, absent(), factor}, with(of_conv, kPixels), 0});
      OpInput plane = x, kernel = w;
      plane.type.dims = {1, 19, 4, 4};
      kernel.is_packed = false;
      expect_agreement({"conv2d_int8", {plane, kernel, absent(), factor}, of_conv, 0});
    }
    const OpInput numbers{{DType::F32, {77}}, [](size_t i, Rng& rng) {
                            return i % 4 == 0   ? std::nan("")
                                   : i % 4 == 1 ? HUGE_VAL
                                   : i % 4 == 2 ? -HUGE_VAL
                                                : double{rng.normal()};
                          }};
    expect_agreement({"quantize", {numbers}, {{"scale", 0.02}, {"to", to}}, 0});
  }
}

TEST(Int8Ops, Products) {
  for (const int64_t rows : {1, 3, 37}) {
    for (const int64_t in : {4, 10, 515}) {
      const OpInput w = packed_levels({21, in}), bias = below(5000, {21});
      expect_agreement({"linear_int8",
                        {levels(DType::U8, {rows, in}), w, bias, factors(21, in)},
                        {{"to", "u8"}, {"x_zero", int64_t{9}}},
                        0});
      expect_agreement({"linear_int8",
                        {levels(DType::I8, {rows, in}), w, absent(), factors(21, in)},
                        {{"to", "f32"}, {"x_zero", int64_t{-3}}},
                        0});
    }
  }
}

// Levels at either end do not saturate on the way, in whatever order they come.
TEST(Int8Ops, SumsOfLevelsAtTheEndsAreExact) {
  const auto all = [](double level) {
    return std::function<double(size_t, Rng&)>([level](size_t, Rng&) { return level; });
  };
  const auto either = [](double a, double b) {
    return std::function<double(size_t, Rng&)>(
        [a, b](size_t, Rng& rng) { return rng.below(2) == 0 ? a : b; });
  };
  const OpInput factor{{DType::F32, {21}}, all(1)};
  const Attrs windows{{"groups", int64_t{21}}, {"to", "f32"}};
  for (const auto& level : {all(0), all(255), either(0, 255)}) {
    for (const auto& weight : {all(127), all(-128), either(127, -128)}) {
      const OpInput x{{DType::U8, {2, 1000}}, level}, w{{DType::I8, {21, 1000}}, weight, true};
      expect_agreement({"linear_int8", {x, w, absent(), factor}, {{"to", "f32"}}, 0});
      const OpInput image{{DType::U8, {1, 5, 6, 21}}, level};
      const OpInput taps{{DType::I8, {21, 1, 3, 3}}, weight, true};
      expect_agreement({"conv2d_int8", {image, taps, absent(), factor}, with(windows, kPixels), 0});
    }
  }
}

TEST(Int8Ops, SumsOfActivations) {
  const Attrs attrs{{"a_multiplier", 0.37}, {"a_zero", int64_t{3}},  {"b_multiplier", 0.61},
                    {"b_zero", int64_t{9}}, {"y_zero", int64_t{12}}, {"to", "u8"}};
  expect_agreement({"add_int8", {levels(DType::U8, {211}), levels(DType::U8, {211})}, attrs, 0});
  expect_agreement({"add_int8",
                    {levels(DType::I8, {2, 70}), levels(DType::U8, {2, 70})},
                    with(attrs, {{"to", "i8"}, {"low", int64_t{12}}}),
                    0});
  expect_agreement({"add_int8",
                    {levels(DType::U8, {70}), levels(DType::I8, {70})},
                    with(attrs, {{"to", "f32"}}),
                    0});
}

TEST(Int8Ops, ProductsOfActivations) {
  const Attrs attrs{{"multiplier", 0.0037},
                    {"a_zero", int64_t{3}},
                    {"b_zero", int64_t{9}},
                    {"y_zero", int64_t{12}},
                    {"to", "u8"}};
  expect_agreement(
      {"mul_int8", {levels(DType::U8, {3, 71}), levels(DType::I8, {3, 71})}, attrs, 0});
  expect_agreement({"mul_int8",
                    {levels(DType::I8, {2, 5, 3, 37}), levels(DType::U8, {2, 1, 1, 37})},
                    with(attrs, kPixels),
                    0});
}

TEST(Int8Ops, Turns) {
  for (const DType dtype : {DType::I8, DType::U8}) {
    expect_agreement({"transpose", {levels(dtype, {2, 5, 7, 3})}, {{"perm", List{0, 2, 3, 1}}}, 0});
  }
}

TEST(Int8Ops, Tables) {
  for (const DType dtype : {DType::I8, DType::U8}) {
    for (const int64_t count : {1, 7, 31, 33, 335, 4000}) {
      expect_agreement({"lookup_int8", {levels(dtype, {count}), levels(DType::U8, {256})}, {}, 0});
    }
  }
}

TEST(Int8Ops, Pools) {
  const Attrs window =
      with(kPixels, {{"kernel", List{3, 2}}, {"strides", List{2, 1}}, {"pads", List{1, 1, 2, 0}}});
  const Attrs mean = with(window, {{"multiplier", 0.83}, {"x_zero", int64_t{5}}, {"to", "u8"}});
  for (const DType dtype : {DType::I8, DType::U8}) {
    const OpInput x = levels(dtype, {2, 7, 6, 37});
    expect_agreement({"max_pool2d", {x}, window, 0, {1}});
    expect_agreement({"avg_pool2d_int8", {x}, mean, 0});
    expect_agreement({"avg_pool2d_int8", {x}, with(mean, {{"count_include_pad", int64_t{1}}}), 0});
    expect_agreement({"avg_pool2d_int8",
                      {levels(dtype, {2, 7, 7, 300})},
                      with(kPixels, {{"kernel", List{7, 7}}, {"multiplier", 3.0}}),
                      0});
  }
}

TEST(Int8Ops, ToLevelsAndBack) {
  for (const Attrs& layout : {Attrs{}, kPixels}) {
    for (const char* to : {"u8", "i8"}) {
      const Attrs attrs =
          with(layout, {{"scale", 0.015625}, {"zero_point", int64_t{7}}, {"to", to}});
      expect_agreement({"quantize", {reals({2, 70, 9, 11})}, attrs, 0});
      expect_agreement({"quantize", {reals({1, 3, 5, 5})}, with(attrs, {{"scale", 0.3}}), 0});
    }
    const Attrs attrs = with(layout, {{"scale", 0.25}, {"zero_point", int64_t{7}}});
    expect_agreement({"dequantize", {levels(DType::U8, {2, 9, 11, 70})}, attrs, 0});
    expect_agreement({"dequantize", {levels(DType::I8, {1, 5, 5, 3})}, attrs, 0});
  }
}

}  // namespace
}  // namespace verge::kernels
