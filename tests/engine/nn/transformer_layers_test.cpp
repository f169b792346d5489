#include <algorithm>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/nn/transformer_layers.hpp>

namespace verge::nn {
namespace {

using graph::Builder;
using graph::Graph;
using graph::ValueId;

constexpr int64_t kSentences = 2, kPositions = 3, kHeads = 2, kHeadWidth = 4,
                  kModel = kHeads * kHeadWidth;

// Encoders of nothing but names of parameters and what computes with them.
class Encoder {
 public:
  explicit Encoder(bool norm_first, bool is_gated = false)
      : norm_first_(norm_first), is_gated_(is_gated) {}

  Graph run(int blocks) {
    ValueId x =
        norm(linear(b_.input("x", {DType::F32, {kSentences, kPositions, kModel}}), "stem"), "in");
    for (int i = 0; i < blocks; ++i) x = block(x, fmt::format("{}.", i));
    const ValueId first = b_.op("slice", {x}, {{"axis", int64_t{1}}, {"size", int64_t{1}}});
    b_.output(linear(b_.op("tanh", {linear(first, "pooler")}), "classifier"), "y");
    return *b_.finish();
  }

 private:
  ValueId linear(ValueId x, const std::string& name) {
    const ValueId product = b_.op("linear", {x, b_.param(name, {DType::F32, {kModel, kModel}})});
    return b_.op("add", {product, b_.param(name + ".bias", {DType::F32, {kModel}})});
  }
  ValueId norm(ValueId x, const std::string& name) {
    const ValueId weight = b_.param(name + ".norm", {DType::F32, {kModel}});
    return b_.op("layer_norm", {x, weight}, {{"eps", 1e-5}});
  }
  ValueId heads(ValueId x, const std::vector<int64_t>& perm) {
    const ValueId split =
        b_.op("reshape", {x}, graph::dims_attrs({kSentences, kPositions, kHeads, kHeadWidth}));
    return b_.op("transpose", {split}, {{"perm", perm}});
  }
  ValueId attention(ValueId x, const std::string& name) {
    const ValueId q = heads(linear(x, name + "q"), {0, 2, 1, 3});
    const ValueId k = heads(linear(x, name + "k"), {0, 2, 3, 1});
    const ValueId v = heads(linear(x, name + "v"), {0, 2, 1, 3});
    const graph::Attrs batched = {{"batched", int64_t{1}}};
    const ValueId scores = b_.op("scale", {b_.op("matmul", {q, k}, batched)}, {{"factor", 0.5}});
    const ValueId mixed = b_.op("matmul", {b_.op("softmax", {scores}), v}, batched);
    const ValueId rows = b_.op("transpose", {mixed}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    return linear(b_.op("reshape", {rows}, graph::dims_attrs({kSentences, kPositions, kModel})),
                  name + "o");
  }
  ValueId feed_forward(ValueId x, const std::string& name) {
    ValueId up = b_.op("gelu", {linear(x, name + "up")});
    if (is_gated_) up = b_.op("mul", {up, linear(x, name + "gate")});
    return linear(up, name + "down");
  }
  ValueId block(ValueId x, const std::string& name) {
    if (norm_first_) {
      x = b_.op("add", {attention(norm(x, name + "1"), name), x});
      return b_.op("add", {feed_forward(norm(x, name + "2"), name), x});
    }
    x = norm(b_.op("add", {attention(x, name), x}), name + "1");
    return norm(b_.op("add", {feed_forward(x, name), x}), name + "2");
  }

  bool norm_first_, is_gated_;
  Builder b_{"encoder"};
};

std::string block_of(const std::vector<UpdatableLayer>& layers, const std::string& weight) {
  const auto at = std::ranges::find(layers, weight, &UpdatableLayer::weight);
  EXPECT_NE(at, layers.end()) << weight;
  return at->is_in_block() ? at->block : "";
}

std::vector<std::string> with_role(const std::vector<UpdatableLayer>& layers, LayerRole role) {
  std::vector<std::string> names;
  for (const UpdatableLayer& layer : layers) {
    if (layer.role == role) names.push_back(layer.weight);
  }
  return names;
}

TEST(TransformerLayers, BlocksAreFoundByTheirAttention) {
  const auto layers = updatable_layers(Encoder(false).run(3));
  for (const char* name : {"stem", "in.norm", "pooler", "classifier"}) {
    EXPECT_EQ(block_of(layers, name), "") << name;
  }
  for (int i = 0; i < 3; ++i) {
    for (const char* name : {"q", "k", "v", "o", "1.norm", "up", "down", "2.norm"}) {
      EXPECT_EQ(block_of(layers, fmt::format("{}.{}", i, name)), fmt::format("block.{}", i))
          << name;
    }
  }
  EXPECT_EQ(with_role(layers, LayerRole::FirstFeedForward),
            (std::vector<std::string>{"0.up", "1.up", "2.up"}));
  EXPECT_EQ(with_role(layers, LayerRole::Attention).size(), 12u);
  for (const UpdatableLayer& layer : layers) {
    EXPECT_EQ(layer.is_head, layer.weight == "classifier") << layer.weight;
  }
}

TEST(TransformerLayers, ANormBeforeAttentionIsOfItsBlock) {
  const auto layers = updatable_layers(Encoder(true).run(2));
  EXPECT_EQ(block_of(layers, "in.norm"), "");
  EXPECT_EQ(block_of(layers, "0.1.norm"), "block.0");
  EXPECT_EQ(block_of(layers, "0.2.norm"), "block.0");
  EXPECT_EQ(block_of(layers, "1.1.norm"), "block.1");
  EXPECT_EQ(block_of(layers, "1.down"), "block.1");
  EXPECT_EQ(block_of(layers, "pooler"), "");
}

TEST(TransformerLayers, BothHalvesOfAGatedUnitAreItsFirst) {
  const auto layers = updatable_layers(Encoder(false, true).run(1));
  EXPECT_EQ(with_role(layers, LayerRole::FirstFeedForward),
            (std::vector<std::string>{"0.up", "0.gate"}));
}

TEST(TransformerLayers, ASoftmaxAloneIsNoAttention) {
  Builder b("classifier");
  const ValueId x = b.input("x", {DType::F32, {2, 8}});
  const ValueId gate = b.op("softmax", {b.op("linear", {x, b.param("a", {DType::F32, {8, 8}})})});
  b.output(b.op("linear", {b.op("mul", {gate, x}), b.param("b", {DType::F32, {3, 8}})}), "y");
  for (const UpdatableLayer& layer : updatable_layers(*b.finish())) {
    EXPECT_FALSE(layer.is_in_block()) << layer.weight;
  }
}

TEST(TransformerLayers, TheLastBlocksAreCounted) {
  const Graph net = Encoder(false).run(3);
  const auto scheme = preset_scheme("last:1", net);
  ASSERT_TRUE(scheme);
  EXPECT_TRUE(scheme->layers.contains("pooler"));  // behind them
  EXPECT_TRUE(scheme->layers.contains("2.q"));
  EXPECT_FALSE(scheme->layers.contains("1.down"));
  EXPECT_FALSE(scheme->layers.contains("stem"));
}

}  // namespace
}  // namespace verge::nn
