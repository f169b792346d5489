#include "op_check.hpp"

namespace verge::support {
namespace {

using List = std::vector<int64_t>;

TEST(ConvTranspose2d, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 4, 5, 5}}, w{DType::F32, {4, 2, 3, 3}};
  EXPECT_EQ(
      inferred(
          "conv_transpose2d", {x, w},
          {{"strides", List{2, 2}}, {"pads", List{1, 1, 1, 1}}, {"output_padding", List{1, 1}}}),
      "f32 [n, 2, 10, 10]");
  expect_refused("conv_transpose2d", {x, {DType::F32, {3, 2, 3, 3}}}, {}, "w has extent 3");
  const graph::Type one_channel{DType::F32, {3, 1, 3, 3}};
  expect_refused("conv_transpose2d", {{DType::F32, {1, 3, 5, 5}}, one_channel},
                 {{"groups", int64_t{2}}}, "3 channels in 2 groups");
  expect_refused("conv_transpose2d", {x, w}, {{"groups", int64_t{0}}}, "4 channels in 0 groups");
}

TEST(ConvTranspose2d, SpreadsByItsStrides) {
  expect_values("conv_transpose2d",
                {given({1, 1, 1, 2}, {1, 10}), given({1, 1, 1, 2}, {2, 3}), given({1}, {0.5})},
                {{"strides", List{1, 2}}}, {2.5, 3.5, 20.5, 30.5});
}

TEST(ConvTranspose2d, Gradient) {
  expect_gradient("conv_transpose2d", {trained({2, 4, 2, 3}), trained({4, 1, 3, 2}), trained({2})},
                  {{"strides", List{2, 2}}, {"pads", List{1, 0, 0, 1}}, {"groups", int64_t{2}}});
}

}  // namespace
}  // namespace verge::support
