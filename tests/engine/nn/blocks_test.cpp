#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/nn/blocks.hpp>

#include "fake_facts.hpp"
#include "pass_check.hpp"

namespace verge::nn {
namespace {

using graph::ValueId;
using support::GraphRunner;

constexpr int64_t kTokens = 3, kWidth = 8, kHidden = 5;

// A graph of one block over x [3, 8], run with random weights. Vectors of doubles are its values.
struct Harness {
  explicit Harness(FakeFacts all)
      : facts(std::move(all)),
        builder("block"),
        blocks(builder, facts),
        x(builder.input("x", f32({kTokens, kWidth}))) {}

  static graph::Type f32(graph::Dims dims) { return {DType::F32, std::move(dims)}; }

  /// The values of "y" by the reference kernels.
  std::vector<double> run(ValueId y) {
    builder.output(y, "y");
    graph = *builder.finish();
    runner = std::make_unique<GraphRunner>(support::run_on_random_values(graph, {}));
    return runner->get("y");
  }
  std::vector<double> get(const std::string& name) const { return runner->get(name); }

  const FakeFacts facts;
  graph::Builder builder;
  BlockBuilder blocks;
  ValueId x;
  graph::Graph graph;
  std::unique_ptr<GraphRunner> runner;
};

using Row = std::vector<double>;

Row row(const std::vector<double>& matrix, size_t index, size_t width) {
  return {matrix.begin() + index * width, matrix.begin() + (index + 1) * width};
}

// W x, W [out, x.size()].
Row product(const std::vector<double>& w, const Row& x) {
  Row y(w.size() / x.size());
  for (size_t o = 0; o < y.size(); ++o) {
    y[o] = std::inner_product(x.begin(), x.end(), w.begin() + o * x.size(), 0.0);
  }
  return y;
}

Row gated(const Row& gate, const Row& up, Activation activation) {
  Row y(gate.size());
  for (size_t i = 0; i < y.size(); ++i) {
    const double g = gate[i], cubic = std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g);
    const bool is_silu = activation == Activation::Silu;
    y[i] = up[i] * (is_silu ? g / (1 + std::exp(-g)) : g / 2 * (1 + std::tanh(cubic)));
  }
  return y;
}

void expect_rows_near(const std::vector<double>& found, const std::vector<Row>& wanted) {
  size_t i = 0;
  for (const Row& row : wanted) {
    for (double value : row) ASSERT_NEAR(found.at(i++), value, 1e-4 * (1 + std::abs(value)));
  }
}

TEST(Blocks, GatedFeedForward) {
  FakeFacts facts("llama");
  facts.add("l.ffn_gate.weight", {kHidden, kWidth}).add("l.ffn_up.weight", {kHidden, kWidth});
  facts.add("l.ffn_down.weight", {kWidth, kHidden}).add("l.ffn_down.bias", {kWidth});
  for (const Activation activation : {Activation::Silu, Activation::GeluTanh}) {
    DecoderConfig config;
    config.activation = activation;
    Harness h(facts);
    const std::vector<double> y = h.run(gated_ffn(h.blocks, config, "l", h.x, h.x));
    std::vector<Row> wanted;
    for (size_t t = 0; t < kTokens; ++t) {
      const Row x = row(h.get("x"), t, kWidth);
      Row out = product(h.get("l.ffn_down.weight"),
                        gated(product(h.get("l.ffn_gate.weight"), x),
                              product(h.get("l.ffn_up.weight"), x), activation));
      for (size_t i = 0; i < out.size(); ++i) out[i] += h.get("l.ffn_down.bias")[i] + x[i];
      wanted.push_back(out);
    }
    expect_rows_near(y, wanted);
  }
}

// Phi-3's one matrix is the gate's rows, then the other's.
TEST(Blocks, FusedGateAndUpAreSplit) {
  FakeFacts facts("phi3");
  facts.add("l.ffn_up.weight", {2 * kHidden, kWidth}).add("l.ffn_down.weight", {kWidth, kHidden});
  DecoderConfig config;
  config.ffn_dim = kHidden;
  Harness h(facts);
  const std::vector<double> y = h.run(gated_ffn(h.blocks, config, "l", h.x, graph::kNone));
  std::vector<Row> wanted;
  for (size_t t = 0; t < kTokens; ++t) {
    const Row both = product(h.get("l.ffn_up.weight"), row(h.get("x"), t, kWidth));
    wanted.push_back(
        product(h.get("l.ffn_down.weight"),
                gated(row(both, 0, kHidden), row(both, 1, kHidden), Activation::Silu)));
  }
  expect_rows_near(y, wanted);
}

TEST(Blocks, MixtureOfExpertsIsTheWeightedSumOfTheBest) {
  constexpr int64_t kExperts = 4, kUsed = 2;
  FakeFacts facts("qwen3moe");
  facts.add("l.ffn_gate_inp.weight", {kExperts, kWidth});
  facts.add("l.ffn_gate_exps.weight", {kExperts, kHidden, kWidth});
  facts.add("l.ffn_up_exps.weight", {kExperts, kHidden, kWidth});
  facts.add("l.ffn_down_exps.weight", {kExperts, kWidth, kHidden});
  for (const bool normalize : {false, true}) {
    DecoderConfig config;
    config.d_model = kWidth;
    config.moe = {.experts = kExperts, .experts_used = kUsed, .normalize = normalize};
    Harness h(facts);
    const std::vector<double> y = h.run(moe_ffn(h.blocks, config, "l", h.x));
    std::vector<Row> wanted;
    for (size_t t = 0; t < kTokens; ++t) {
      const Row x = row(h.get("x"), t, kWidth);
      Row weight = product(h.get("l.ffn_gate_inp.weight"), x), sum(kWidth);
      double total = 0, chosen = 0;
      for (double& w : weight) total += w = std::exp(w);
      std::vector<size_t> order(kExperts);
      std::iota(order.begin(), order.end(), size_t{0});
      std::sort(order.begin(), order.end(),
                [&](size_t a, size_t b) { return weight[a] > weight[b]; });
      for (size_t i = 0; i < kUsed; ++i) chosen += weight[order[i]];
      for (size_t i = 0; i < kUsed; ++i) {
        const size_t e = order[i];
        const auto expert = [&](const char* name) {
          return row(h.get(name), e, size_t{kHidden} * kWidth);
        };
        const Row out =
            product(expert("l.ffn_down_exps.weight"),
                    gated(product(expert("l.ffn_gate_exps.weight"), x),
                          product(expert("l.ffn_up_exps.weight"), x), Activation::Silu));
        const double share = weight[e] / (normalize ? chosen : total);
        for (size_t k = 0; k < out.size(); ++k) sum[k] += share * out[k];
      }
      wanted.push_back(sum);
    }
    expect_rows_near(y, wanted);
  }
}

TEST(Blocks, AWeightUsedTwiceIsOneParameter) {
  Harness h(FakeFacts("llama").add("w.weight", {kWidth, kWidth}));
  const ValueId once = h.blocks.linear(h.x, "w");
  h.run(h.blocks.linear(once, "w"));
  const auto is_param = [](const graph::Value& v) { return v.kind == graph::ValueKind::Param; };
  EXPECT_EQ(std::count_if(h.graph.values.begin(), h.graph.values.end(), is_param), 1);
}

TEST(Blocks, AMissingTensorIsNamed) {
  Harness h(FakeFacts("llama"));
  h.builder.output(h.blocks.rms_norm(h.x, "blk.7.attn_norm", 1e-5), "y");
  const auto graph = h.builder.finish();
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, Code::Malformed);
  EXPECT_NE(graph.error().message.find("blk.7.attn_norm.weight"), std::string::npos);
}

}  // namespace
}  // namespace verge::nn
