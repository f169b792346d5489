#include <limits>

#include <verge/engine/graph/graph_cost.hpp>

#include "op_check.hpp"

namespace verge::support {
namespace {

using Ints = std::vector<int64_t>;
using graph::Attrs;

graph::Type f32(graph::Dims dims) {
  return {DType::F32, std::move(dims)};
}

Operand in_blocks(const Operand& image) {
  graph::Dims dims = image.type.dims;
  const auto values = evaluate("block_channels", {image})[0];
  return given({dims[0], (dims[1].factor + 15) / 16, dims[2], dims[3], 16}, values);
}

std::vector<double> out_of_blocks(const std::vector<double>& values, graph::Dims image) {
  const Attrs attrs{{"channels", image[1].factor}};
  return evaluate("unblock_channels",
                  {given({image[0], (image[1].factor + 15) / 16, image[2], image[3], 16}, values)},
                  attrs)[0];
}

TEST(Conv2dBlocked, IsConv2dOnBlocks) {
  const Operand x = fixed({2, 20, 5, 4}), w = fixed({18, 20, 3, 3}), bias = fixed({18}),
                residual = fixed({2, 18, 5, 4});
  const Attrs attrs{{"pads", Ints{1, 1, 1, 1}}, {"activation", std::string("relu")}};
  const auto wanted = evaluate("conv2d", {x, w, bias, residual}, attrs)[0];
  const auto found =
      evaluate("conv2d_blocked", {in_blocks(x), w, bias, in_blocks(residual)}, attrs)[0];
  expect_near(out_of_blocks(found, {2, 18, 5, 4}), wanted);
  const auto of_plain = evaluate("conv2d_blocked", {x, w, bias, in_blocks(residual)}, attrs)[0];
  expect_near(of_plain, found);
}

TEST(Conv2dBlocked, DepthwiseOnBlocks) {
  const Operand x = fixed({1, 19, 6, 7}), w = fixed({19, 1, 3, 3}), bias = fixed({19});
  const Attrs attrs{{"strides", Ints{2, 2}}, {"groups", int64_t{19}}};
  const auto found = evaluate("conv2d_blocked", {in_blocks(x), w, bias}, attrs)[0];
  expect_near(out_of_blocks(found, {1, 19, 2, 3}), evaluate("conv2d", {x, w, bias}, attrs)[0]);
}

TEST(Conv2dBlocked, LanesBeyondTheChannelsAreOfZeroWeights) {
  const Attrs attrs{{"activation", std::string("sigmoid")}};
  const auto y = evaluate("conv2d_blocked", {fixed({1, 1, 1, 1, 16}), fixed({3, 16, 1, 1})}, attrs);
  EXPECT_NE(y[0][2], 0.5);
  for (size_t lane = 3; lane < 16; ++lane) EXPECT_EQ(y[0][lane], 0.5);
}

TEST(Conv2dBlocked, LanesOfTheImageBeyondItsChannelsAreNotRead) {
  std::vector<double> x(16, std::numeric_limits<double>::quiet_NaN());
  x[0] = 2;
  x[1] = 3;
  const auto y =
      evaluate("conv2d_blocked", {given({1, 1, 1, 1, 16}, x), given({1, 2, 1, 1}, {5, 7})});
  EXPECT_EQ(y[0][0], 31);
  const auto by_channel =
      evaluate("conv2d_blocked", {given({1, 1, 1, 1, 16}, x), given({2, 1, 1, 1}, {5, 7})},
               {{"groups", int64_t{2}}});
  EXPECT_EQ(by_channel[0][0], 10);
  EXPECT_EQ(by_channel[0][1], 21);
}

TEST(Conv2dBlocked, Shapes) {
  const graph::Type x = f32({graph::Dim(1, 0), 2, 6, 6, 16});
  EXPECT_EQ(inferred("conv2d_blocked", {x, f32({40, 20, 3, 3})}), "f32 [n, 3, 4, 4, 16]");
  EXPECT_EQ(inferred("conv2d_blocked", {f32({1, 20, 6, 6}), f32({40, 20, 3, 3})}),
            "f32 [1, 3, 4, 4, 16]");
  expect_refused("conv2d_blocked", {x, f32({40, 10, 3, 3})}, {}, "w reads 10 channels");
  expect_refused("conv2d_blocked", {x, f32({40, 10, 3, 3})}, {{"groups", int64_t{2}}},
                 "blocks have one group");
  expect_refused("conv2d_blocked", {f32({1, 20, 6, 6}), f32({20, 1, 3, 3})},
                 {{"groups", int64_t{20}}}, "blocks have one group");
  expect_refused("conv2d_blocked", {x, f32({40, 20, 7, 7})}, {}, "does not fit");
  expect_refused("conv2d_blocked", {x, f32({0, 20, 3, 3})}, {}, "w has no channels");
  expect_refused("conv2d_blocked", {f32({1, 0, 6, 6}), f32({40, 0, 3, 3})}, {},
                 "w has no channels");
}

TEST(Conv2dBlocked, CostsWhatItsChannelsDo) {
  graph::Builder b("conv");
  const auto x = b.input("x", f32({1, 2, 6, 6, 16}));
  b.output(b.op("conv2d_blocked", {x, b.param("w", f32({40, 20, 3, 3}))}), "y");
  EXPECT_EQ(graph::cost_of(*b.finish()).flops, 2 * 16 * 40 * 20 * 9);
}

}  // namespace
}  // namespace verge::support
