// Kernels of convolutional networks, on odd sizes.

#include <gtest/gtest.h>

#include <verge/engine/graph/shape_rules.hpp>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

using List = std::vector<int64_t>;

const graph::Dims kImage = {3, 4, 9, 7};

// The attributes of a gradient whose result is an image of kImage's size.
graph::Attrs sized(graph::Attrs attrs) {
  attrs.set("height", int64_t{9});
  attrs.set("width", int64_t{7});
  return attrs;
}

TEST(ImageOps, Convolutions) {
  const graph::Attrs pads{{"pads", List{1, 0, 2, 1}}, {"strides", List{1, 2}}};
  graph::Attrs of_weight = pads;
  of_weight.set("kernel", List{3, 3});
  const OpInput x = reals(kImage), w = reals({5, 4, 3, 3}), dy = reals({3, 5, 10, 3});
  expect_agreement({"conv2d", {x, w}, pads});
  expect_agreement({"conv2d", {x, w, reals({5})}, pads});
  for (const char* activation : {"relu", "silu", "gelu", "gelu_erf"}) {
    graph::Attrs attrs = pads;
    attrs.set("activation", std::string(activation));
    expect_agreement({"conv2d", {x, w, reals({5})}, attrs});
    attrs.set("groups", int64_t{4});
    expect_agreement({"conv2d", {x, reals({4, 1, 3, 3}), reals({4})}, attrs});
  }
  expect_agreement({"conv2d_grad_input", {dy, w}, sized(pads)});
  for (const List& strides : {List{1, 1}, List{1, 2}}) {
    graph::Attrs masked = sized(pads);
    masked.set("strides", strides);
    masked.set("min", 0.0);
    const OpInput of = reals({3, 5, 10, strides[1] == 1 ? 6 : 3});
    expect_agreement({"conv2d_grad_input", {of, w, reals(kImage)}, masked});
    expect_agreement({"conv2d_grad_input", {of, w, absent(), reals(kImage)}, masked});
    masked.set("max", 0.75);
    expect_agreement({"conv2d_grad_input", {of, w, reals(kImage), reals(kImage)}, masked});
  }
  expect_agreement({"conv2d_grad_weight", {dy, x}, of_weight});
}

// Weights that no update writes come packed, or transformed where that is the way by rule.
TEST(ImageOps, ConvolutionsOfPackedWeights) {
  const graph::Attrs pads{{"pads", List{1, 1, 1, 1}}};
  const OpInput w = packed(DType::F32, {18, 17, 3, 3}), x = reals({2, 17, 16, 17});
  expect_agreement({"conv2d", {x, w, reals({18})}, pads});
  expect_agreement({"conv2d", {reals({1, 17, 5, 6}), w, absent()}, pads});
  const auto gradient = [](const OpInput& dy, const OpInput& weight, graph::Attrs attrs,
                           const graph::Dims& image) {
    attrs.set("height", image[2].factor);
    attrs.set("width", image[3].factor);
    expect_agreement({"conv2d_grad_input", {dy, weight}, attrs});
    attrs.set("min", 0.0);
    expect_agreement({"conv2d_grad_input", {dy, weight, reals(image), reals(image)}, attrs});
  };
  gradient(reals({2, 18, 16, 17}), w, pads, {2, 17, 16, 17});
  gradient(reals({1, 18, 5, 6}), w, pads, {1, 17, 5, 6});
  graph::Attrs strided = pads;
  strided.set("strides", List{2, 2});
  gradient(reals({2, 18, 8, 9}), w, strided, {2, 17, 16, 17});
  graph::Attrs grouped = pads;
  grouped.set("groups", int64_t{3});
  gradient(reals({2, 6, 7, 8}), packed(DType::F32, {6, 2, 3, 3}), grouped, {2, 6, 7, 8});
}

TEST(ImageOps, Pools) {
  const graph::Attrs pool{{"kernel", List{2, 2}}, {"strides", List{2, 2}}};
  const graph::Attrs average{{"kernel", List{3, 3}},
                             {"strides", List{2, 1}},
                             {"pads", List{1, 1, 1, 1}},
                             {"count_include_pad", int64_t{1}}};
  const graph::Dims pooled = {3, 4, 4, 3};
  expect_agreement({"max_pool2d", {reals(kImage)}, pool});
  expect_agreement({"max_pool2d_grad", {reals(pooled), below(4, pooled, DType::U8)}, sized(pool)});
  expect_agreement({"avg_pool2d", {reals(kImage)}, average});
  expect_agreement({"avg_pool2d_grad", {reals({3, 4, 5, 7})}, sized(average)});
  expect_agreement({"global_avg_pool", {reals(kImage)}});
  expect_agreement({"global_avg_pool_grad", {reals({3, 4})}, sized({})});
}

TEST(ImageOps, TransposedConvolutions) {
  const OpInput x = reals({2, 4, 5, 3});
  expect_agreement(
      {"conv_transpose2d", {x, reals({4, 3, 2, 2}), reals({3})}, {{"strides", List{2, 2}}}});
  expect_agreement(
      {"conv_transpose2d",
       {x, reals({4, 3, 3, 3})},
       {{"strides", List{2, 2}}, {"pads", List{1, 1, 1, 1}}, {"output_padding", List{1, 1}}}});
  expect_agreement(
      {"conv_transpose2d", {x, reals({4, 1, 3, 3}), reals({2})}, {{"groups", int64_t{2}}}});
}

TEST(ImageOps, BatchesOfProducts) {
  for (int64_t transpose_b : {0, 1}) {
    const graph::Dims b = transpose_b != 0 ? graph::Dims{3, 2, 9, 7} : graph::Dims{3, 2, 7, 9};
    expect_agreement({"matmul",
                      {reals({3, 2, 5, 7}), reals(b)},
                      {{"batched", int64_t{1}}, {"transpose_b", transpose_b}}});
  }
  expect_agreement({"matmul",
                    {reals({1, 7, 5}), reals({1, 7, 9})},
                    {{"batched", int64_t{1}}, {"transpose_a", int64_t{1}}}});
}

TEST(ImageOps, Gather) {
  for (int64_t axis : {0, 2, 3}) {
    expect_agreement({"gather", {reals(kImage), below(3, {5})}, {{"axis", axis}}});
  }
  expect_agreement({"gather", {reals(kImage), given({2}, {-1, -3}, DType::I32)}, {}});
  expect_agreement(
      {"gather", {reals(kImage), given({2, 3}, {-1, 0, 1, 1e300, -1e300, NAN}, DType::F64)}, {}});
}

TEST(ImageOps, GatherGradient) {
  const auto attrs_of = [](graph::Dims x, int64_t axis) {
    graph::Attrs attrs = graph::dims_attrs(x);
    attrs.set("axis", axis);
    return attrs;
  };
  for (const graph::Dims& x : {graph::Dims{7, 33}, graph::Dims{40, 7, 3}, graph::Dims{2, 7}}) {
    const auto axis = static_cast<int64_t>(x.size() == 3 || x[1].factor == 7);
    graph::Dims dy = x;
    dy[static_cast<size_t>(axis)] = 19;
    expect_agreement({"gather_grad", {below(7, {19}), reals(dy)}, attrs_of(x, axis)});
  }
  expect_agreement({"gather_grad",
                    {given({2, 3}, {-1, 0, 1, 1e300, -1e300, NAN}, DType::F64), reals({2, 3, 5})},
                    attrs_of({4, 5}, 0)});
}

TEST(ImageOps, BatchNorm) {
  const OpInput x = reals(kImage), dy = reals(kImage), channels = positive({4});
  expect_agreement({"batch_norm", {x, channels, channels, channels, channels}});
  expect_agreement(
      {"batch_norm_live", {x, channels, channels, channels, channels}, {{"momentum", 0.2}}});
  expect_agreement({"batch_norm_live_grad", {x, channels, channels, channels, dy}});
  const OpInput shift = reals({4});
  expect_agreement({"batch_norm_live",
                    {x, channels, shift, channels, channels},
                    {{"activation", std::string("relu")}}});
  expect_agreement({"batch_norm_live_grad", {x, channels, shift, channels, dy, shift}});
}

}  // namespace
}  // namespace verge::kernels
