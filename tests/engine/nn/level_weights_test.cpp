#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/level_weights.hpp>

namespace verge::nn {
namespace {

// Two channels of one weight each, with a batch norm.
graph::Graph normed_convolution() {
  graph::Builder b("conv");
  const graph::ValueId x = b.input("x", {DType::F32, {1, 1, 2, 2}});
  const graph::ValueId y = b.op("conv2d", {x, b.param("w", {DType::F32, {2, 1, 1, 1}})});
  std::vector<graph::ValueId> inputs = {y};
  for (const char* name : {"scale", "shift", "mean", "variance"}) {
    inputs.push_back(b.param(name, {DType::F32, {2}}));
  }
  b.op("batch_norm", inputs, {{"eps", 0.0}});
  return *b.finish();
}

// Of a deviation of 1 / 2.
TEST(LevelWeights, ABatchNormBecomesPartOfItsConvolution) {
  const graph::Graph graph = normed_convolution();
  const std::map<std::string, std::vector<float>> values = {{"w", {0.5f, -2}},
                                                            {"scale", {1, 3}},
                                                            {"shift", {10, 20}},
                                                            {"mean", {1, 2}},
                                                            {"variance", {0.25f, 0.25f}}};
  const auto made =
      layer_levels(graph, [&](const std::string& name) { return values.at(name); }, graph.nodes[0],
                   &graph.nodes[1], {.scale = 0.5f, .zero = 0}, {.scale = 2, .zero = 0});
  ASSERT_TRUE(made) << made.error().message;
  const LayerLevels& layer = *made;
  // w scale / deviation: 1 and -12; shift - mean scale / deviation: 8 and 8.
  EXPECT_EQ(layer.bias_name, "shift");
  EXPECT_EQ(layer.weight.span<int8_t>()[0], 127);
  EXPECT_EQ(layer.weight.span<int8_t>()[1], -127);
  EXPECT_FLOAT_EQ(layer.scales[0], 1 / 127.0f);
  EXPECT_FLOAT_EQ(layer.scales[1], 12 / 127.0f);
  EXPECT_EQ(layer.bias.span<int32_t>()[0], std::lround(8 / (0.5 / 127)));
  EXPECT_EQ(layer.bias.span<int32_t>()[1], std::lround(8 / (0.5 * 12 / 127)));
  EXPECT_FLOAT_EQ(layer.multiplier.span<float>()[0], 0.5f / 127 / 2);
}

Result<LayerLevels> layer_of(float weight, float gamma, float shift, float variance = 1) {
  const graph::Graph graph = normed_convolution();
  const std::map<std::string, std::vector<float>> values = {{"w", {weight, 1}},
                                                            {"scale", {gamma, 1}},
                                                            {"shift", {shift, 0}},
                                                            {"mean", {0, 0}},
                                                            {"variance", {variance, 1}}};
  return layer_levels(graph, [&](const std::string& name) { return values.at(name); },
                      graph.nodes[0], &graph.nodes[1], {.scale = 0.02f, .zero = 0},
                      {.scale = 0.01f, .zero = 0});
}

// A norm that switches a channel off leaves its bias, also where weights are far below it.
TEST(LevelWeights, ChannelsThatAreSwitchedOffKeepTheirBias) {
  for (const float gamma : {1e-8f, 1e-20f, 1e-42f, 0.0f}) {
    const auto layer = layer_of(1, gamma, 1);
    ASSERT_TRUE(layer) << layer.error().message;
    const double answer =
        double{layer->multiplier.span<float>()[0]} * 0.01 * layer->bias.span<int32_t>()[0];
    EXPECT_NEAR(answer, 1, 1e-5) << gamma;
    EXPECT_LE(layer->bias.span<int32_t>()[0], 1 << 30);
  }
  const auto nothing = layer_of(0, 1, 0);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->scales[0], 1);
  EXPECT_EQ(nothing->weight.span<int8_t>()[0], 0);
}

TEST(LevelWeights, RefusesWhatIsNoNumber) {
  const float nan = std::nanf("");
  for (const auto& refused :
       {layer_of(nan, 1, 0), layer_of(HUGE_VALF, 1, 0), layer_of(1, 1, nan), layer_of(1, 1, 0, -1),
        layer_of(1, 1, HUGE_VALF), layer_of(1e38f, 1e38f, 0)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find("w: channel 0"), 0u) << refused.error().message;
  }
}

TEST(LevelWeights, LevelsOfAnyNumberAreLevels) {
  EXPECT_EQ(symmetric_level(HUGE_VALF, 1), 127);
  EXPECT_EQ(symmetric_level(-1e30f, 1), -127);
  EXPECT_EQ(symmetric_level(std::nanf(""), 1), 0);
  EXPECT_EQ(bias_level(HUGE_VALF, 1), 1 << 30);
  EXPECT_EQ(bias_level(1, 0), 1 << 30);
  EXPECT_EQ(bias_level(0, 0), 0);
  EXPECT_FLOAT_EQ(symmetric_scale(12.7f, 0, 1), 0.1f);
  EXPECT_EQ(symmetric_scale(HUGE_VALF, 0, 1), 1);
}

}  // namespace
}  // namespace verge::nn
