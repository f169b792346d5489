#include <gtest/gtest.h>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/engine/nn/update_scheme.hpp>

namespace verge::nn {
namespace {

using graph::Graph;

Graph small_cnn() {
  return *build_cnn({.channels = 1, .height = 8, .width = 8, .classes = 3, .stages = {{4}, {8, 8}}},
                    2);
}

// Channel c of every weight is c large.
std::vector<float> rising(const std::string& name) {
  const Graph graph = small_cnn();
  const Shape shape = graph.bound_shape(graph.value(graph.find(name)).type);
  std::vector<float> values;
  for (int64_t i = 0; i < shape.count(); ++i) {
    values.push_back(static_cast<float>(i / (shape[2] * shape[3]) % shape[1]));
  }
  return values;
}

std::vector<std::string> trained_names(const TrainablePart& part) {
  std::vector<std::string> names;
  for (const graph::ValueId id : part.trainable) names.push_back(part.graph.value(id).name);
  return names;
}

using Names = std::vector<std::string>;

TEST(UpdateScheme, FindsLayersTheirBiasesAndTheHead) {
  const auto layers = updatable_layers(small_cnn());
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[1].weight, "stage.1.0.conv.weight");
  EXPECT_EQ(small_cnn().value(layers[1].bias).name, "stage.1.0.norm.bias");
  EXPECT_EQ(small_cnn().value(layers[1].scale).name, "stage.1.0.norm.weight");
  EXPECT_EQ(layers[1].channels, 4);
  EXPECT_FALSE(layers[1].takes_low_rank);  // 3x3
  EXPECT_TRUE(layers[3].is_head);
  EXPECT_FALSE(layers[2].is_head);
}

TEST(UpdateScheme, DepthwiseConvolutionsAreCutAlongTheirOutputs) {
  graph::Builder b("mobile");
  graph::ValueId x = b.input("x", {DType::F32, {1, 6, 4, 4}});
  x = b.op(
      "conv2d",
      {x, b.param("depthwise", {DType::F32, {6, 1, 3, 3}}), b.param("bias", {DType::F32, {6}})},
      {{"groups", int64_t{6}}});
  b.op("conv2d", {x, b.param("pointwise", {DType::F32, {4, 6, 1, 1}})});
  const auto layers = updatable_layers(*b.finish());
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].axis, 0);
  EXPECT_EQ(layers[0].channels, 6);
  EXPECT_TRUE(layers[1].takes_low_rank);
}

TEST(UpdateScheme, TakesTheChannelsOfLargestNormAndAlwaysTheHead) {
  UpdateScheme scheme;
  scheme.layers["stage.1.1.conv.weight"] = {.kind = UpdateKind::Channels, .ratio = 0.3};
  scheme.layers["stage.1.0.conv.weight"] = {.kind = UpdateKind::Bias};
  const auto part = apply_scheme(small_cnn(), scheme, rising);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(trained_names(*part), (Names{"stage.1.0.norm.bias", "stage.1.1.conv.weight",
                                         "stage.1.1.norm.bias", "head.weight", "head.bias"}));
  const graph::ValueId id = part->graph.find("stage.1.1.conv.weight");
  EXPECT_EQ(part->slices.at(id).channels, (std::vector<int32_t>{6, 7}));  // floor(0.3 * 8)
  EXPECT_EQ(part->parameters, 8 + 8 * 2 * 9 + 8 + 3 * 8 + 3);
  scheme.layers["stage.1.1.conv.weight"].choice = ChannelChoice::SmallestNorm;
  EXPECT_EQ(apply_scheme(small_cnn(), scheme, rising)->slices.at(id).channels,
            (std::vector<int32_t>{0, 1}));
  scheme.layers["stage.1.1.conv.weight"].choice = ChannelChoice::Random;
  const auto random = apply_scheme(small_cnn(), scheme, rising, 3)->slices.at(id).channels;
  EXPECT_EQ(random.size(), 2u);
  EXPECT_EQ(random, apply_scheme(small_cnn(), scheme, rising, 3)->slices.at(id).channels);
  scheme.layers["stage.1.1.conv.weight"] = {
      .kind = UpdateKind::Channels, .choice = ChannelChoice::Given, .channels = {5, 2}};
  EXPECT_EQ(apply_scheme(small_cnn(), scheme, rising)->slices.at(id).channels,
            (std::vector<int32_t>{2, 5}));
  scheme.layers["stage.1.1.conv.weight"].ratio = 0.01;
  scheme.layers["stage.1.1.conv.weight"].choice = ChannelChoice::LargestNorm;
  EXPECT_EQ(apply_scheme(small_cnn(), scheme, rising)->slices.size(), 0u);  // no channel: its bias
}

// Nothing of the backward pass is emitted below the deepest update.
TEST(UpdateScheme, WhatIsBelowTheDeepestUpdateRunsForwardOnly) {
  graph::Builder b(small_cnn());
  const graph::ValueId labels = b.input("labels", {DType::I32, {2}});
  const graph::ValueId loss = b.op("softmax_cross_entropy", {b.graph().find("logits"), labels});
  b.output(loss, "loss");
  const Graph forward = *b.finish();
  const auto part = apply_scheme(forward, *preset_scheme("last:1", forward), rising);
  ASSERT_TRUE(part) << part.error().message;
  const auto joint = graph::differentiate(part->graph, loss, part->trainable, part->slices);
  ASSERT_TRUE(joint) << joint.error().message;
  for (const graph::Node& node : joint->graph.nodes) {
    if (node.phase != graph::Phase::Backward) continue;
    EXPECT_TRUE(node.source == "head" || node.source == "stage.1.1" || node.source == "loss" ||
                node.source.empty())
        << node.op->name << " " << node.source;
  }
}

TEST(UpdateScheme, RefusesWhatTheModelDoesNotHave) {
  UpdateScheme scheme;
  scheme.layers["stage.1.1.conv.wieght"] = {.kind = UpdateKind::Full};
  EXPECT_EQ(apply_scheme(small_cnn(), scheme, rising).error().message,
            "the scheme names stage.1.1.conv.wieght, which is no layer of this model; there is "
            "stage.1.1.conv.weight");
  UpdateScheme given;
  given.layers["stage.1.1.conv.weight"] = {
      .kind = UpdateKind::Channels, .choice = ChannelChoice::Given, .channels = {8}};
  EXPECT_NE(apply_scheme(small_cnn(), given, rising).error().message.find("some of 0 to 7"),
            std::string::npos);
}

Graph small_llama() {
  DecoderConfig config;
  config.architecture = "llama";
  config.d_model = 16;
  config.layers = 3;
  config.heads = 2;
  config.kv_heads = 1;
  config.head_dim = config.rope.dims = 8;
  config.ffn_dim = 24;
  config.vocab = 32;
  config.attention_scale = 0.35;
  return build_lm_training(config, {.batch = 1, .tokens = 8, .exit_weights = {}, .form = {}})
      ->graph;
}

TEST(UpdateScheme, LowRankFactorsOfALanguageModelStandAlone) {
  const Graph graph = small_llama();
  const auto part = apply_scheme(graph, *preset_scheme("lora:4", graph), rising);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->low_rank.size(), 3u * 7);
  for (const std::string& name : trained_names(*part)) {
    EXPECT_NE(name.find(".lora_"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace verge::nn
