// Kernels of training by levels, on odd sizes.

#include <gtest/gtest.h>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/kernels/kernel.hpp>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

using List = std::vector<int64_t>;

OpInput levels(graph::Dims dims, DType dtype = DType::I8) {
  return {{dtype, std::move(dims)}, [dtype](size_t, Rng& rng) {
            const auto draw = static_cast<double>(rng.below(256));
            return dtype == DType::I8 ? draw - 128 : draw;
          }};
}

TEST(LevelOps, Masks) {
  const graph::Attrs range{{"low", int64_t{-60}}, {"high", int64_t{127}}};
  expect_agreement({"level_mask", {levels({3, 5, 7})}, range});
  expect_agreement({"level_mask", {levels({1001}, DType::U8)}, range});
}

TEST(LevelOps, RequantizedGradients) {
  for (const graph::Dims& dims : {graph::Dims{3, 5, 7, 3}, graph::Dims{11, 5}}) {
    int64_t count = 1;
    for (const graph::Dim& dim : dims) count *= dim.factor;
    const OpInput mask = below(256, {(count + 7) / 8}, DType::U8);
    expect_agreement({"requantize_grad", {reals(dims), mask, reals({5})}, {{"factor", 0.3}}});
    expect_agreement({"requantize_grad", {reals(dims), absent(), reals({5})}});
    expect_agreement({"requantize_grad", {reals(dims), mask}});
  }
}

struct Geometry {
  graph::Dims x, w, dy;
  graph::Attrs attrs;
};

std::vector<Geometry> geometries() {
  return {
      {{3, 4, 9, 7}, {5, 4, 1, 1}, {3, 5, 9, 7}, {}},
      {{2, 4, 9, 7},
       {5, 4, 3, 3},
       {2, 5, 10, 3},
       {{"pads", List{1, 0, 2, 1}}, {"strides", List{1, 2}}}},
      {{2, 4, 9, 7},
       {4, 1, 7, 7},
       {2, 4, 5, 4},
       {{"pads", List{3, 3, 3, 3}}, {"strides", List{2, 2}}, {"groups", int64_t{4}}}},
      {{1, 4, 9, 7},
       {6, 2, 3, 1},
       {1, 6, 5, 7},
       {{"dilations", List{2, 1}}, {"groups", int64_t{2}}}},
      // As many results as pixels, yet not of each pixel one.
      {{1, 2, 2, 2},
       {3, 2, 1, 1},
       {1, 3, 2, 2},
       {{"strides", List{2, 2}}, {"pads", List{0, 0, 1, 1}}}},
  };
}

TEST(LevelOps, GradientsOfConvolutions) {
  for (Geometry& g : geometries()) {
    graph::Attrs of_input = g.attrs, of_weight = g.attrs;
    of_input.set("height", g.x[2].factor);
    of_input.set("width", g.x[3].factor);
    of_weight.set("kernel", List{g.w[2].factor, g.w[3].factor});
    of_weight.set("x_zero", int64_t{-17});
    // Sums of some hundred products of levels near 100.
    expect_agreement({"conv2d_grad_input", {reals(g.dy), levels(g.w)}, of_input, 1e-3});
    expect_agreement({"conv2d_grad_weight", {reals(g.dy), levels(g.x)}, of_weight, 1e-3});
    of_weight.set("x_zero", int64_t{90});
    expect_agreement(
        {"conv2d_grad_weight", {reals(g.dy), levels(g.x, DType::U8)}, of_weight, 1e-3});
  }
}

// Of the gradient of a bias.
TEST(LevelOps, SumsByChannel) {
  expect_agreement({"reduce_sum", {reals({3, 5, 7, 2})}, {{"axes", List{0, 2, 3}}}});
  expect_agreement(
      {"reduce_sum", {reals({3, 5, 7})}, {{"axes", List{0, 2}}, {"keep", int64_t{1}}}});
}

TEST(LevelOps, Gather) {
  expect_agreement({"gather", {levels({3, 4, 9}), below(3, {5})}, {{"axis", int64_t{1}}}});
  expect_agreement({"merge_channels",
                    {levels({3, 4, 9}), levels({3, 2, 9}), given({2}, {3, 1}, DType::I32)},
                    {{"axis", int64_t{1}}}});
  expect_agreement({"scatter_channels",
                    {levels({3, 4, 9}), levels({3, 2, 9}), given({2}, {3, 1}, DType::I32)},
                    {{"axis", int64_t{1}}}});
}

// Forward, channels first, as a training step has them.
TEST(LevelOps, ConvolutionsOfPlanes) {
  for (Geometry& g : geometries()) {
    const int64_t out = g.w[0].factor;
    const OpInput bias = below(1000, {out}),
                  multiplier = {{DType::F32, {out}},
                                [](size_t i, Rng&) { return 1e-4 * static_cast<double>(i + 3); }};
    for (const char* to : {"i8", "u8", "f32"}) {
      graph::Attrs attrs = g.attrs;
      attrs.set("to", std::string(to));
      attrs.set("y_zero", int64_t{to[0] == 'f' ? 0 : 5});
      expect_agreement(
          {"conv2d_int8", {levels(g.x, DType::U8), levels(g.w), absent(), multiplier}, attrs});
      attrs.set("x_zero", int64_t{-17});
      expect_agreement({"conv2d_int8", {levels(g.x), levels(g.w), bias, multiplier}, attrs});
    }
  }
}

TEST(LevelOps, PoolsOfPlanes) {
  graph::Attrs attrs{{"kernel", List{3, 2}}, {"strides", List{2, 1}}, {"pads", List{1, 1, 1, 0}}};
  for (const DType dtype : {DType::I8, DType::U8}) {
    expect_agreement({"max_pool2d", {levels({2, 3, 9, 7}, dtype)}, attrs});
    graph::Attrs of_mean = attrs;
    of_mean.set("multiplier", 0.9);
    of_mean.set("x_zero", int64_t{9});
    of_mean.set("to", std::string(name(dtype)));
    expect_agreement({"avg_pool2d_int8", {levels({2, 3, 9, 7}, dtype)}, of_mean});
    of_mean.set("count_include_pad", int64_t{1});
    expect_agreement({"avg_pool2d_int8", {levels({2, 3, 9, 7}, dtype)}, of_mean});
  }
}

TEST(LevelOps, ExpandAndDepthwise) {
  const OpInput bias = below(1000, {5}), multiplier = {{DType::F32, {5}}, [](size_t i, Rng&) {
                                                         return 0.0005 * static_cast<double>(i + 1);
                                                       }};
  graph::Attrs attrs{{"x_zero", int64_t{-9}},       {"middle_zero", int64_t{-100}},
                     {"middle_low", int64_t{-100}}, {"y_zero", int64_t{20}},
                     {"high", int64_t{100}},        {"pads", List{1, 2, 2, 1}}};
  for (const List& strides : {List{1, 1}, List{2, 3}}) {
    attrs.set("strides", strides);
    expect_agreement({"expand_depthwise_int8",
                      {levels({2, 7, 19, 17}), levels({5, 7, 1, 1}), bias, multiplier,
                       levels({5, 1, 3, 5}), bias, multiplier},
                      attrs});
  }
}

// A step is drawn by element: the same for any split of the work.
TEST(LevelOps, Steps) {
  const OpInput lr = given({}, {0.3}), step = given({}, {5}, DType::I64);
  const OpInput remainder = levels({7, 3, 2, 2});
  for (const OpInput& rest : {remainder, absent()}) {
    expect_agreement({"sgd_int8",
                      {levels({7, 3, 2, 2}), reals({7, 3, 2, 2}), positive({7}), rest, lr, step},
                      {{"ratio", 0.5}, {"weight_decay", 0.01}}});
  }
  expect_agreement({"sgd_int8", {below(1000, {300}), reals({300}), absent(), absent(), lr, step}});
}

Tensor filled(DType dtype, const Shape& shape, uint64_t seed) {
  Tensor tensor(dtype, shape);
  Rng rng(seed);
  std::vector<double> values(static_cast<size_t>(shape.count()));
  for (double& value : values) {
    value = dtype == DType::F32 ? double{rng.normal()} : static_cast<double>(rng.below(255)) - 127;
  }
  graph::store(tensor.view(), values);
  return tensor;
}

void run(std::string_view op, const std::vector<TensorView>& inputs,
         const std::vector<TensorView>& outputs, const graph::Attrs& attrs, ThreadPool& pool) {
  const KernelDef* kernel = find_kernel(op);
  graph::KernelCall call{inputs, outputs, attrs};
  std::vector<float> workspace(100000);
  call.workspace = reinterpret_cast<std::byte*>(workspace.data());
  if (kernel->workspace_bytes != nullptr) {
    ASSERT_LE(kernel->workspace_bytes(call, pool.size(), best_isa()), 400000);
  }
  pool.run([&](Worker& worker) { kernel->run(call, worker, best_isa()); });
}

Shape shape_of(const graph::Dims& dims) {
  std::vector<int64_t> extents;
  for (const graph::Dim& dim : dims) extents.push_back(dim.factor);
  return Shape(std::span<const int64_t>(extents));
}

// Up to a 256th of a level, which may be rounded the other way: sums are added in another order.
void expect_steps_of_reference(const std::vector<TensorView>& inputs, const Tensor (&found)[2],
                               const graph::Attrs& attrs) {
  const Shape& shape = inputs[0].shape;
  const Tensor levels(DType::I8, shape), rests(DType::I8, shape);
  const TensorView outputs[] = {levels.view(), rests.view()};
  graph::find_op("sgd_conv2d_int8")->reference({inputs, outputs, attrs});
  const auto fine = [](const TensorView& level, const TensorView& rest) {
    std::vector<double> values = graph::load(level);
    const std::vector<double> more = graph::load(rest);
    for (size_t i = 0; i < values.size(); ++i) values[i] = 256 * values[i] + more[i];
    return values;
  };
  const auto wanted = fine(levels.view(), rests.view()),
             values = fine(found[0].view(), found[1].view());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(values[i], wanted[i], 1) << i;
}

// Bit for bit the gradient, stored, and then the step.
TEST(LevelOps, StepsInsideOfGradients) {
  ThreadPool pool(2);
  Tensor lr(DType::F32, {}), step(DType::I64, {});
  graph::store(lr.view(), {1e-3});
  graph::store(step.view(), {5});
  for (Geometry& g : geometries()) {
    graph::Attrs attrs = g.attrs;
    attrs.set("kernel", List{g.w[2].factor, g.w[3].factor});
    attrs.set("x_zero", int64_t{-17});
    attrs.set("ratio", 0.7);
    const Shape w = shape_of(g.w);
    const Tensor dy = filled(DType::F32, shape_of(g.dy), 1),
                 x = filled(DType::I8, shape_of(g.x), 2);
    Tensor multiplier(DType::F32, {w[0]}), grad(DType::F32, w);
    for (float& value : multiplier.span<float>()) value = 0.5f;
    Tensor fused[] = {filled(DType::I8, w, 3), filled(DType::I8, w, 4)};
    Tensor apart[] = {filled(DType::I8, w, 3), filled(DType::I8, w, 4)};
    run("sgd_conv2d_int8",
        {fused[0].view(), dy.view(), x.view(), multiplier.view(), fused[1].view(), lr.view(),
         step.view()},
        {fused[0].view(), fused[1].view()}, attrs, pool);
    run("conv2d_grad_weight", {dy.view(), x.view()}, {grad.view()}, attrs, pool);
    run("sgd_int8",
        {apart[0].view(), grad.view(), multiplier.view(), apart[1].view(), lr.view(), step.view()},
        {apart[0].view(), apart[1].view()}, attrs, pool);
    expect_steps_of_reference(
        {filled(DType::I8, w, 3).view(), dy.view(), x.view(), multiplier.view(),
         filled(DType::I8, w, 4).view(), lr.view(), step.view()},
        fused, attrs);
    EXPECT_NE(graph::load(apart[0].view()), graph::load(filled(DType::I8, w, 3).view()));
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(graph::load(fused[i].view()), graph::load(apart[i].view()));
    }
  }
}

}  // namespace
}  // namespace verge::kernels
