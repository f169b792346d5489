#include <algorithm>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/int8_pixels.hpp>
#include <verge/engine/graph/passes/lower_int8.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

using List = std::vector<int64_t>;

// A network with its activations quantized, as QDQ files say it: results are compared with those
// of the floats between the roundings.
class LowerInt8 : public ::testing::Test {
 protected:
  LowerInt8() : b("quantized") {}

  static Tensor random_levels(DType dtype, const Shape& shape, int low, int high) {
    static Rng rng(7);
    Tensor tensor(dtype, shape);
    std::vector<double> values(static_cast<size_t>(shape.count()));
    for (double& value : values)
      value = low + static_cast<int>(rng.below(static_cast<uint32_t>(high - low + 1)));
    store(tensor.view(), values);
    return tensor;
  }
  std::string fresh(const char* what) { return fmt::format("{}{}", what, b.graph().values.size()); }

  ValueId image(Dims dims) { return q(b.input("x", {DType::F32, std::move(dims)}), 0.02, 120); }
  ValueId q(ValueId x, double scale, int64_t zero, const char* to = "u8") {
    const Attrs attrs{{"scale", static_cast<double>(static_cast<float>(scale))},
                      {"zero_point", zero}};
    Attrs how = attrs;
    how.set("to", std::string(to));
    return b.op("dequantize", {b.op("quantize", {x}, how)}, attrs);
  }
  // Weights by channel, of i8.
  ValueId weight(const Shape& shape) {
    std::vector<float> scales;
    for (int64_t i = 0; i < shape[0]; ++i)
      scales.push_back(0.004f + 0.001f * static_cast<float>(i));
    Tensor by(DType::F32, Shape{shape[0]});
    std::ranges::copy(scales, by.span<float>().begin());
    const ValueId levels = b.constant(fresh("w"), random_levels(DType::I8, shape, -127, 127));
    return b.op("dequantize", {levels, b.constant(fresh("s"), std::move(by))},
                {{"axis", int64_t{0}}});
  }
  ValueId bias(int64_t count) {
    const ValueId levels = b.constant(fresh("b"), random_levels(DType::I32, {count}, -4000, 4000));
    return b.op("dequantize", {levels}, {{"scale", 1e-4}});
  }

  // Lowers the network; all outputs are within a step of what they were.
  Graph check(ValueId y, double step) {
    b.output(y, "y");
    const Graph before = *b.finish();
    const Graph lowered = lower_int8(before, {});
    EXPECT_TRUE(verify(lowered));
    const Graph pixels = int8_pixels(lowered);
    const Status status = verify(pixels);
    EXPECT_TRUE(status) << (status ? "" : status.error().message);
    const auto wanted = results(before), found = results(lowered);
    EXPECT_EQ(results(pixels), found);
    size_t different = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_LE(std::abs(found[i] - wanted[i]), 1.001 * step) << i;
      different += std::abs(found[i] - wanted[i]) > step / 2 ? 1 : 0;
    }
    EXPECT_LE(different, wanted.size() / 50 + 1);
    return pixels;
  }

  static std::vector<double> results(const Graph& graph) {
    support::GraphRunner runner(graph);
    std::vector<double> values(static_cast<size_t>(runner.tensor("x").shape.count()));
    Rng rng(3);
    for (double& value : values) value = rng.normal();
    runner.set("x", values);
    runner.run();
    return runner.get("y");
  }
  static size_t count(const Graph& graph, std::string_view op) {
    return static_cast<size_t>(
        std::ranges::count_if(graph.nodes, [&](const Node& node) { return node.op->name == op; }));
  }

  Builder b;
};

TEST_F(LowerInt8, ConvolutionsWithTheirActivations) {
  ValueId y = b.op("conv2d", {image({2, 3, 9, 8}), weight({16, 3, 3, 3}), bias(16)},
                   {{"pads", List{1, 1, 1, 1}}});
  y = q(b.op("relu", {y}), 0.05, 0);
  y = b.op("conv2d", {y, weight({16, 1, 3, 3})},
           {{"groups", int64_t{16}}, {"strides", List{2, 2}}});
  y = q(b.op("clip", {y}, {{"min", 0.0}, {"max", 6.0}}), 6.0 / 255, 0);
  y = q(b.op("conv2d", {y, weight({5, 16, 1, 1})}), 0.04, -3, "i8");
  const Graph after = check(y, 0.04f);
  EXPECT_EQ(after.nodes.size(), 5u);  // quantize, three convolutions, dequantize
  EXPECT_EQ(count(after, "conv2d_int8"), 3u);
  EXPECT_EQ(count(after, "transpose"), 0u);
}

TEST_F(LowerInt8, ResidualsPoolsAndTheHead) {
  const ValueId x = q(
      b.op("max_pool2d", {image({1, 4, 8, 8})}, {{"kernel", List{2, 2}}, {"strides", List{2, 2}}}),
      0.02, 120);
  const ValueId branch = q(
      b.op("conv2d", {x, weight({4, 4, 3, 3}), bias(4)}, {{"pads", List{1, 1, 1, 1}}}), 0.03, 100);
  ValueId y = q(b.op("relu", {b.op("add", {branch, x})}), 0.025, 0);
  y = q(
      b.op("avg_pool2d", {y},
           {{"kernel", List{2, 2}}, {"count_include_pad", int64_t{1}}, {"pads", List{1, 0, 0, 0}}}),
      0.02, 3);
  y = b.op("global_avg_pool", {y});
  y = b.op("reshape", {y}, {{"dims", List{1, 4, 1, 1}}, {"symbols", List{-1, -1, -1, -1}}});
  y = b.op("reshape", {q(y, 0.01, 0)}, {{"dims", List{1, 4}}, {"symbols", List{-1, -1}}});
  y = q(y, 0.01, 0);
  y = b.op("linear", {y, weight({7, 4}), bias(7)});
  const Graph after = check(y, 1e-3);
  for (const char* op : {"conv2d", "add", "relu", "global_avg_pool", "linear", "dequantize"}) {
    EXPECT_EQ(count(after, op), 0u) << op;
  }
  EXPECT_EQ(count(after, "add_int8"), 1u);
  EXPECT_EQ(count(after, "avg_pool2d_int8"), 2u);
  EXPECT_EQ(count(after, "linear_int8"), 1u);
}

TEST_F(LowerInt8, JoinsOfOneScaleStayLevels) {
  const ValueId x = image({1, 3, 4, 4});
  const ValueId left = q(b.op("conv2d", {x, weight({4, 3, 1, 1})}), 0.05, 9);
  const ValueId right = q(b.op("conv2d", {x, weight({2, 3, 1, 1})}), 0.05, 9);
  const ValueId joined = q(b.op("concat", {left, right}, {{"axis", int64_t{1}}}), 0.05, 9);
  const Graph after = check(q(b.op("conv2d", {joined, weight({3, 6, 1, 1})}), 0.1, 0, "i8"), 0.1f);
  EXPECT_EQ(after.nodes.size(), 6u);
  EXPECT_EQ(count(after, "concat"), 1u);
}

TEST_F(LowerInt8, FunctionsOfALevelAreTables) {
  ValueId y = q(b.op("conv2d", {image({1, 4, 5, 5}), weight({8, 4, 3, 3})}), 0.05, 110);
  y = q(b.op("hswish", {y}), 0.03, 8);
  y = q(y, 0.05, 9, "i8");  // another scale
  const Graph after = check(q(b.op("conv2d", {y, weight({4, 8, 1, 1})}), 0.1, 0, "i8"), 0.1f);
  EXPECT_EQ(count(after, "lookup_int8"), 2u);
  EXPECT_EQ(after.nodes.size(), 6u);
}

// hswish as exporters write it, over a constant whose inverse is not exact.
TEST_F(LowerInt8, FunctionsOfSeveralStepsAreTables) {
  const auto number = [&](float value) {
    Tensor one(DType::F32, Shape{1});
    one.span<float>()[0] = value;
    return b.constant(fresh("n"), std::move(one));
  };
  const ValueId x = image({2, 4, 3, 5});
  const ValueId gate = b.op("clip", {b.op("add", {x, number(3)})}, {{"min", 0.0}, {"max", 6.0}});
  const ValueId y = b.op("div", {b.op("mul", {x, gate}), number(6)});
  const Graph after = check(q(y, 0.03, 8), 0.03f);
  EXPECT_EQ(count(after, "lookup_int8"), 1u);
  EXPECT_EQ(after.nodes.size(), 3u);
}

// A second value beside the levels, or a number for each channel, makes it none.
TEST_F(LowerInt8, FunctionsOfMoreThanALevelAreNoTables) {
  const ValueId x = image({1, 4, 3, 5});
  const ValueId other = b.input("z", {DType::F32, {1, 4, 3, 5}});
  Tensor channels(DType::F32, Shape{4, 1, 1});
  const ValueId by_channel = b.constant("c", std::move(channels));
  b.output(q(b.op("sigmoid", {b.op("mul", {x, other})}), 0.01, 0), "y");
  b.output(q(b.op("sigmoid", {b.op("mul", {x, by_channel})}), 0.01, 0), "w");
  const Graph after = lower_int8(*b.finish(), {});
  EXPECT_EQ(count(after, "lookup_int8"), 0u);
}

TEST_F(LowerInt8, FunctionsOfManyStepsEndSomewhere) {
  ValueId y = image({4, 4});
  for (int i = 0; i < 5000; ++i) y = b.op("tanh", {y});
  b.output(q(y, 0.01, 128), "y");
  EXPECT_EQ(count(lower_int8(*b.finish(), {}), "tanh"), 5000u);
}

// Rows and columns repeated, as resizing to the nearest does, and channels taken out.
TEST_F(LowerInt8, ChosenElementsStayLevels) {
  const auto places = [&](std::vector<double> at) {
    Tensor tensor(DType::I32, Shape{static_cast<int64_t>(at.size())});
    store(tensor.view(), at);
    return b.constant(fresh("at"), std::move(tensor));
  };
  ValueId y = q(b.op("conv2d", {image({2, 3, 3, 2}), weight({8, 3, 1, 1})}), 0.05, 110);
  y = b.op("gather", {y, places({0, 0, 1, 1, 2, 2})}, {{"axis", int64_t{2}}});
  y = b.op("gather", {y, places({0, 0, 1, 1})}, {{"axis", int64_t{3}}});
  y = q(y, 0.05, 110);
  y = b.op("slice", {y}, {{"axis", int64_t{1}}, {"start", int64_t{2}}, {"size", int64_t{4}}});
  const Graph after = check(q(b.op("conv2d", {y, weight({5, 4, 1, 1})}), 0.1, 100), 0.1f);
  EXPECT_EQ(count(after, "conv2d_int8"), 2u);
  EXPECT_EQ(count(after, "transpose"), 0u);
  EXPECT_EQ(after.nodes.size(), 7u);  // two convolutions and three choices between the ends
}

TEST_F(LowerInt8, GatesOfChannels) {
  const ValueId x = image({2, 4, 6, 5});
  const ValueId mean = q(b.op("global_avg_pool", {x}), 0.01, 128);
  ValueId gate =
      b.op("reshape", {mean}, {{"dims", List{2, 4, 1, 1}}, {"symbols", List{-1, -1, -1, -1}}});
  gate = q(b.op("conv2d", {gate, weight({4, 4, 1, 1})}), 0.02, 128);
  gate = q(b.op("hsigmoid", {gate}), 1.0 / 255, 0);
  const Graph after = check(q(b.op("mul", {x, gate}), 0.02, 120), 0.02f);
  EXPECT_EQ(count(after, "mul_int8"), 1u);
  EXPECT_EQ(count(after, "mul"), 0u);
  EXPECT_EQ(count(after, "transpose"), 0u);
}

TEST_F(LowerInt8, FloatsBetweenStayFloats) {
  ValueId y = b.op("conv2d", {image({1, 4, 5, 5}), weight({8, 4, 3, 3})});
  y = q(b.op("hswish", {y}), 0.05, 8);
  y = b.op("conv2d", {y, weight({4, 8, 1, 1})});
  const Graph after = check(b.op("softmax", {y}), 1e-3);
  EXPECT_EQ(count(after, "conv2d_int8"), 2u);
  EXPECT_EQ(count(after, "hswish"), 1u);
}

// As products of ONNX have them: [in, out] of one scale.
TEST_F(LowerInt8, WeightsOfOneScaleMayBeTurned) {
  const ValueId levels = b.constant("w", random_levels(DType::I8, {4, 7}, -127, 127));
  const ValueId w =
      b.op("transpose", {b.op("dequantize", {levels}, {{"scale", 0.01}})}, {{"perm", List{1, 0}}});
  const Graph after = check(b.op("linear", {image({5, 4}), w}), 1e-3);
  EXPECT_EQ(count(after, "linear_int8"), 1u);
  EXPECT_EQ(count(after, "transpose"), 0u);
}

TEST_F(LowerInt8, FloatWeightsAreTurnedOnce) {
  const ValueId levels = b.constant("u", random_levels(DType::U8, {4, 7}, 0, 255));
  const ValueId w = b.op("dequantize", {levels}, {{"scale", 0.01}, {"zero_point", int64_t{3}}});
  const ValueId turned = b.op("transpose", {w}, {{"perm", List{1, 0}}});
  const Graph after = check(b.op("linear", {image({5, 4}), turned}), 1e-3);
  EXPECT_EQ(count(after, "linear"), 1u);
  EXPECT_EQ(count(after, "transpose"), 0u);
}

// However long a file makes the way from levels to what reads them.
TEST_F(LowerInt8, MovesInARowAreWalkedByALoop) {
  constexpr int kMoves = 30000;
  ValueId x = image({4, 4}),
          w = b.op("dequantize", {b.constant("w", random_levels(DType::I8, {4, 4}, -9, 9))},
                   {{"scale", 0.01}});
  for (int i = 0; i < kMoves; ++i) {
    x = b.op("transpose", {x}, {{"perm", List{1, 0}}});
    w = b.op("transpose", {w}, {{"perm", List{1, 0}}});
  }
  b.output(b.op("linear", {x, weight({4, 4})}), "y");
  b.output(b.op("linear", {b.op("relu", {x}), w}), "z");
  const Graph after = lower_int8(*b.finish(), {});
  EXPECT_EQ(count(after, "linear_int8"), 1u);
  EXPECT_EQ(count(after, "linear"), 1u);
  EXPECT_EQ(count(after, "transpose"), size_t{2 * kMoves});  // of x, as levels and as floats
}

// Sums of more than 2^22 levels do not fit 32 bits.
TEST_F(LowerInt8, MeansOfHugeImagesStayFloats) {
  const auto mean_of = [&](int64_t side) {
    Builder net("means");
    const Attrs scale{{"scale", 0.02}, {"zero_point", int64_t{0}}};
    const ValueId x =
        net.op("dequantize", {net.input("x", {DType::I8, {1, 1, side, side}})}, scale);
    net.output(net.op("quantize", {net.op("global_avg_pool", {x})}, scale), "y");
    return lower_int8(*net.finish(), {});
  };
  EXPECT_EQ(count(mean_of(2000), "avg_pool2d_int8"), 1u);
  const Graph large = mean_of(3000);
  EXPECT_TRUE(verify(large));
  EXPECT_EQ(count(large, "global_avg_pool"), 1u);
}

TEST_F(LowerInt8, WeightsOfOtherKindsBecomeFloats) {
  const ValueId levels = b.constant("u", random_levels(DType::U8, {4, 3, 1, 1}, 0, 255));
  const ValueId w = b.op("dequantize", {levels}, {{"scale", 0.01}, {"zero_point", int64_t{3}}});
  const ValueId y = q(b.op("conv2d", {image({1, 3, 4, 4}), w}), 0.05, 8);
  const Graph after = check(y, 0.05f);
  EXPECT_EQ(count(after, "conv2d"), 1u);
  EXPECT_EQ(count(after, "conv2d_int8"), 0u);
  EXPECT_EQ(count(after, "dequantize"), 2u);  // of activations
}

TEST_F(LowerInt8, WhatIsReadTwiceIsNotComputedTwice) {
  const ValueId sum = b.op("conv2d", {image({1, 3, 4, 4}), weight({4, 3, 1, 1})});
  const ValueId y = b.op("add", {q(sum, 0.05, 100), b.op("sigmoid", {sum})});
  const Graph after = check(y, 0.05f);
  EXPECT_EQ(count(after, "conv2d_int8") + count(after, "conv2d"), 1u);
}

TEST_F(LowerInt8, NetworksOfFloatsStayAsTheyAre) {
  const ValueId x = b.input("x", {DType::F32, {1, 3, 4, 4}});
  b.output(b.op("relu", {x}), "y");
  const Graph before = *b.finish();
  EXPECT_EQ(lower_int8(before, {}).nodes.size(), 1u);
  EXPECT_EQ(int8_pixels(before).nodes.size(), 1u);
}

}  // namespace
}  // namespace verge::graph
