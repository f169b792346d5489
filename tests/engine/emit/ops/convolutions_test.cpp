#include "../c_check.hpp"

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

const std::vector<graph::Attrs> kWindows = {
    {},
    {{"pads", List{1, 1, 1, 1}}},
    {{"strides", List{2, 2}}, {"pads", List{1, 0, 0, 2}}},
    {{"strides", List{1, 3}}, {"pads", List{2, 2, 2, 2}}, {"dilations", List{2, 1}}},
};

TEST(CConvolutions, Conv2dAgreesWithTheReference) {
  for (const graph::Attrs& window : kWindows) {
    expect_c("conv2d", {{.dims = {2, 4, 7, 9}}, {.dims = {6, 4, 3, 3}}, {.dims = {6}}}, window);
    graph::Attrs grouped = window;
    grouped.set("groups", int64_t{2});
    expect_c("conv2d", {{.dims = {2, 4, 7, 9}}, {.dims = {6, 2, 3, 3}}}, grouped);
  }
  expect_c("conv2d", {{.dims = {1, 3, 5, 5}}, {.dims = {3, 1, 3, 3}}}, {{"groups", int64_t{3}}});
  for (const char* activation :
       {"relu", "relu6", "silu", "sigmoid", "hswish", "hsigmoid", "gelu", "gelu_erf"}) {
    expect_c("conv2d", {{.dims = {1, 2, 4, 4}}, {.dims = {3, 2, 1, 1}}, {.dims = {3}}},
             {{"activation", activation}});
  }
}

TEST(CConvolutions, AResidualStandsBeforeTheActivationOrAfterIt) {
  for (const int64_t activate_sum : {0, 1}) {
    expect_c(
        "conv2d",
        {{.dims = {1, 2, 4, 4}}, {.dims = {3, 2, 1, 1}}, {.dims = {3}}, {.dims = {1, 3, 4, 4}}},
        {{"activation", "relu"},
         {"activate_sum", activate_sum},
         {"factor", 0.5},
         {"offset", -0.25}});
  }
}

TEST(CConvolutions, GradientsAgreeWithTheReferences) {
  for (graph::Attrs window : kWindows) {
    // The extents of dy follow from the forward convolution's rule.
    graph::Builder b("extents");
    const auto y =
        b.op("conv2d",
             {b.input("x", {DType::F32, {2, 4, 7, 9}}), b.input("w", {DType::F32, {6, 4, 3, 3}})},
             window);
    const graph::Dims dy = b.type(y).dims;
    graph::Attrs weight = window, image = window;
    weight.set("kernel", List{3, 3});
    image.set("height", int64_t{7});
    image.set("width", int64_t{9});
    expect_c("conv2d_grad_input", {{.dims = dy}, {.dims = {6, 4, 3, 3}}}, image);
    graph::Attrs ended = image;
    ended.set("min", 0.0);
    ended.set("max", 0.5);
    expect_c("conv2d_grad_input",
             {{.dims = dy}, {.dims = {6, 4, 3, 3}}, {.dims = {2, 4, 7, 9}}, {.dims = {2, 4, 7, 9}}},
             ended);
    expect_c("conv2d_grad_weight", {{.dims = dy}, {.dims = {2, 4, 7, 9}}}, weight);
  }
}

TEST(CConvolutions, TransposedOnesHaveABias) {
  expect_c("conv_transpose2d", {{.dims = {2, 3, 4, 5}}, {.dims = {3, 2, 3, 3}}, {.dims = {2}}},
           {{"strides", List{2, 2}}, {"pads", List{1, 1, 1, 1}}});
}

}  // namespace
}  // namespace verge::emit
