#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/engine/nn/update_blocks.hpp>

#include "mcunet.hpp"

namespace verge::nn {
namespace {

using graph::Builder;
using graph::Graph;
using graph::ValueId;

std::vector<std::string> updated(const UpdateScheme& scheme, UpdateKind kind) {
  std::vector<std::string> names;
  for (const auto& [name, update] : scheme.layers) {
    if (update.kind == kind) names.push_back(name);
  }
  return names;
}

TEST(UpdateBlocks, InvertedBlocksAreFoundByTheirDepthwiseConvolution) {
  const support::McuNet net = support::mcunet(1, 32);
  const auto layers = updatable_layers(net.graph);
  const auto blocks = inverted_blocks(net.graph, layers);
  ASSERT_EQ(blocks.size(), 13u);  // the first depthwise convolution has none before it
  EXPECT_EQ(layers[blocks.front()[0]].weight, "conv.3.weight");
  EXPECT_EQ(blocks.back().size(), 3u);
  EXPECT_EQ(layers[blocks.back()[2]].weight, "conv.41.weight");
  const auto scheme = preset_scheme("pockengine-mobilenetv2", net.graph);
  ASSERT_TRUE(scheme) << scheme.error().message;
  EXPECT_EQ(updated(*scheme, UpdateKind::Full),
            (std::vector<std::string>{"conv.21.weight", "conv.24.weight", "conv.27.weight",
                                      "conv.30.weight", "conv.33.weight", "conv.36.weight",
                                      "conv.39.weight"}));
  EXPECT_EQ(updated(*scheme, UpdateKind::Bias).size(), 14u);
}

// Blocks of two convolutions, the second of which also has one beside it.
Graph residual_net(int count) {
  Builder b("residual");
  ValueId x = b.input("images", {DType::F32, {1, 4, 8, 8}});
  const auto conv = [&](ValueId from, const std::string& name) {
    return b.op("conv2d", {from, b.param(name, {DType::F32, {4, 4, 1, 1}})});
  };
  x = conv(x, "stem");
  for (int i = 0; i < count; ++i) {
    const std::string block = fmt::format("b{}.", i);
    const ValueId y = conv(b.op("relu", {conv(x, block + "0")}), block + "1");
    x = b.op("relu", {b.op("add", {y, i == 1 ? conv(x, block + "side") : x})});
  }
  b.output(b.op("linear", {b.op("global_avg_pool", {x}), b.param("head", {DType::F32, {3, 4}})}),
           "y");
  return *b.finish();
}

TEST(UpdateBlocks, ResidualBlocksEndAtSums) {
  const Graph net = residual_net(9);
  const auto blocks = residual_blocks(net, updatable_layers(net));
  ASSERT_EQ(blocks.size(), 9u);
  EXPECT_EQ(blocks[1].size(), 3u);
  EXPECT_EQ(blocks[2].size(), 2u);
  const auto scheme = preset_scheme("pockengine-resnet50", net);
  ASSERT_TRUE(scheme);
  EXPECT_FALSE(scheme->layers.contains("b0.1"));
  EXPECT_TRUE(scheme->layers.contains("b1.side"));
  EXPECT_EQ(scheme->layers.size(), 17u);
  const auto refused = preset_scheme("pockengine-resnet50", residual_net(7));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("at least 8 blocks, this one has 7"), std::string::npos);
}

Graph language_model(int64_t layers) {
  DecoderConfig config;
  config.architecture = "llama";
  config.layers = layers;
  config.d_model = 8;
  config.heads = 2;
  config.kv_heads = 2;
  config.head_dim = 4;
  config.ffn_dim = 16;
  config.vocab = 32;
  config.context = 16;
  config.attention_scale = 0.5;
  config.rope.dims = 4;
  return build_lm_training(config, {.batch = 1, .tokens = 4, .exit_weights = {}, .form = {}})
      .value()
      .graph;
}

TEST(UpdateBlocks, TransformersByTheirNames) {
  const Graph net = language_model(8);
  const auto llama = preset_scheme("pockengine-llama2", net);
  ASSERT_TRUE(llama) << llama.error().message;
  EXPECT_FALSE(llama->layers.contains("blk.2.attn_q.weight"));
  EXPECT_TRUE(llama->layers.contains("blk.3.ffn_down.weight"));
  const auto bert = preset_scheme("pockengine-bert", net);
  ASSERT_TRUE(bert) << bert.error().message;
  EXPECT_EQ(bert->layers.at("blk.2.attn_norm.weight").kind, UpdateKind::Full);  // no biases
  EXPECT_FALSE(bert->layers.contains("blk.1.attn_norm.weight"));
  EXPECT_EQ(bert->layers.at("blk.4.attn_q.weight").kind, UpdateKind::Full);
  EXPECT_EQ(bert->layers.at("blk.4.ffn_up.weight").kind, UpdateKind::Full);
  EXPECT_FALSE(bert->layers.contains("blk.4.ffn_down.weight"));
  EXPECT_FALSE(bert->layers.contains("blk.3.attn_q.weight"));
}

}  // namespace
}  // namespace verge::nn
