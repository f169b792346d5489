// The decoder's graph: what it declares, what it reads, and that tokens may come in any pieces.
// What it computes is compared with llama.cpp in tests/engine/model.

#include <gtest/gtest.h>

#include <verge/engine/nn/decoder.hpp>

#include "fake_facts.hpp"
#include "pass_check.hpp"

namespace verge::nn {
namespace {

void add_layers(FakeFacts& facts) {
  for (const std::string blk : {"blk.0.", "blk.1."}) {
    for (const char* norm : {"attn_norm.weight", "ffn_norm.weight"}) facts.add(blk + norm, {64});
    facts.add(blk + "attn_q.weight", {64, 64}).add(blk + "attn_output.weight", {64, 64});
    facts.add(blk + "attn_k.weight", {32, 64}).add(blk + "attn_v.weight", {32, 64});
    facts.add(blk + "ffn_gate.weight", {96, 64}).add(blk + "ffn_up.weight", {96, 64});
    facts.add(blk + "ffn_down.weight", {64, 96});
  }
  facts.add("output_norm.weight", {64});
}

FakeFacts complete(const char* family) {
  FakeFacts facts(family);
  add_layers(facts);
  return facts;
}

const DecoderShape kShape{.max_tokens = 8,
                          .max_outputs = 8,
                          .pages = 4,
                          .page_tokens = 4,
                          .pages_per_sequence = 3,
                          .kv_dtype = DType::F32};

graph::Graph decoder(const FakeFacts& facts, const DecoderShape& shape = kShape) {
  auto graph = build_decoder(*read_config(facts), facts, shape);
  EXPECT_TRUE(graph) << graph.error().message;
  return std::move(*graph);
}

TEST(Decoder, ReadsEveryTensorAndKeepsACacheALayer) {
  FakeFacts facts = complete("llama");
  const graph::Graph graph = decoder(facts);
  EXPECT_TRUE(graph::verify(graph));
  for (const auto& [name, type] : facts.tensors()) {
    ASSERT_NE(graph.find(name), graph::kNone) << name;
    EXPECT_EQ(graph.value(graph.find(name)).type, type) << name;
  }
  for (const char* cache : {"kv.0", "kv.1"}) {
    const graph::Value& value = graph.value(graph.find(cache));
    EXPECT_EQ(value.kind, graph::ValueKind::State);
    EXPECT_EQ(value.type, (graph::Type{DType::F32, {4, 2, 2, 4, 16}}));
  }
  const graph::Value& logits = graph.value(graph.find("logits"));
  EXPECT_EQ(logits.type, (graph::Type{DType::F32, {graph::Dim(1, kOutputs), 100}}));
  EXPECT_TRUE(logits.is_output);
  facts.add("output.weight", {100, 64});  // no longer tied to the embedding
  EXPECT_NE(decoder(facts).find("output.weight"), graph::kNone);
}

TEST(Decoder, WindowsAndCapsStandWhereTheFamilyHasThem) {
  FakeFacts facts = complete("gemma2");
  for (const std::string blk : {"blk.0.", "blk.1."}) {
    facts.add(blk + "post_attention_norm.weight", {64}).add(blk + "post_ffw_norm.weight", {64});
  }
  facts.set("attention.sliding_window", 5).set("attn_logit_softcapping", 40);
  const graph::Graph graph = decoder(facts);
  std::vector<int64_t> windows;
  for (const graph::Node& node : graph.nodes) {
    if (node.op->name != "paged_attention") continue;
    windows.push_back(node.attrs.integer("window"));
    EXPECT_EQ(node.attrs.real("softcap"), 40);
    EXPECT_EQ(node.attrs.real("scale"), 0.25);
  }
  EXPECT_EQ(windows, (std::vector<int64_t>{5, 0}));
  EXPECT_EQ(support::count_of(graph, "softcap"), 1);  // of the logits
  EXPECT_EQ(support::count_of(graph, "rms_norm"), 4 * 2 + 1);
}

std::string names_of(const graph::Graph& graph, graph::ValueKind kind, bool outputs = false) {
  std::string names;
  for (const graph::Value& value : graph.values) {
    if (outputs ? value.is_output : value.kind == kind) names += value.name + " ";
  }
  return names;
}

// What a range of layers reads, keeps and gives, and that nothing of the others is in it.
TEST(Decoder, SomeLayersHaveTheirOwnWeightsAndStates) {
  FakeFacts facts = complete("llama");
  facts.set_list("verge.exit_layers", {1});
  facts.set_list("verge.exit.1.norm", std::vector<double>(64, 1));
  DecoderShape low = kShape;
  low.layers = {0, 1};
  low.has_states = true;
  const graph::Graph first = decoder(facts, low);
  EXPECT_TRUE(graph::verify(first));
  EXPECT_EQ(names_of(first, graph::ValueKind::State), "kv.0 ");
  EXPECT_NE(first.find("tokens"), graph::kNone);
  EXPECT_NE(first.find("token_embd.weight"), graph::kNone);
  EXPECT_EQ(first.find("output_norm.weight"), graph::kNone);
  EXPECT_EQ(names_of(first, graph::ValueKind::Param).find("blk.1."), std::string::npos);
  EXPECT_EQ(names_of(first, {}, true), "end_states hidden logits ");
  const graph::Type states{DType::F32, {graph::Dim(1, DecoderSymbol::kTokens), 64}};
  EXPECT_EQ(first.value(first.find("end_states")).type, states);

  facts.add("output.weight", {100, 64});
  DecoderShape high = kShape;
  high.layers = {1, 0};
  const graph::Graph last = decoder(facts, high);
  EXPECT_TRUE(graph::verify(last));
  EXPECT_EQ(names_of(last, graph::ValueKind::State), "kv.1 ");
  EXPECT_EQ(last.find("tokens"), graph::kNone);
  EXPECT_EQ(last.find("token_embd.weight"), graph::kNone);
  EXPECT_EQ(last.value(last.find("states")).type, states);
  EXPECT_EQ(names_of(last, graph::ValueKind::Param).find("blk.0."), std::string::npos);
  EXPECT_NE(last.find("output_norm.weight"), graph::kNone);
  EXPECT_EQ(last.symbols.size(), 3u);

  high.has_hidden = false;
  high.has_states = true;
  EXPECT_EQ(names_of(decoder(facts, high), {}, true), "end_states ");
}

TEST(Decoder, AnExitWithoutItsNormIsRefused) {
  const FakeFacts facts = complete("llama");
  DecoderShape shape = kShape;
  shape.layers = {0, 1};
  const auto graph = build_decoder(*read_config(facts), facts, shape);
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().message.find("verge.exit.1.norm"), std::string::npos);
}

// Runs tokens [first, first + count) at their positions, in pages 2, 0, 3; all logits.
void run_piece(support::GraphRunner& runner, const std::vector<double>& tokens, size_t first) {
  std::vector<double> positions, slots, rows;
  const double pages[] = {2, 0, 3};
  for (size_t i = 0; i < tokens.size(); ++i) {
    const size_t position = first + i;
    positions.push_back(static_cast<double>(position));
    slots.push_back(pages[position / 4] * 4 + static_cast<double>(position % 4));
    rows.push_back(static_cast<double>(i));
  }
  runner.set("tokens", tokens);
  runner.set("positions", positions);
  runner.set("slots", slots);
  runner.set("slot_tokens", rows);
  runner.set("token_sequence", std::vector<double>(tokens.size(), 0));
  runner.set("page_table", {2, 0, 3});
  runner.set("output_rows", rows);
  runner.run();
}

void copy_persistent(const graph::Graph& graph, const support::GraphRunner& from,
                     support::GraphRunner& to) {
  for (const graph::Value& value : graph.values) {
    const bool persists =
        value.kind == graph::ValueKind::Param || value.kind == graph::ValueKind::State;
    if (persists) to.set(value.name, from.get(value.name));
  }
}

TEST(Decoder, TokensOneByOneAreTokensAtOnce) {
  const FakeFacts facts = complete("qwen2");
  const graph::Graph graph = decoder(facts);
  const std::vector<double> tokens = {5, 17, 99, 0, 42, 63};
  support::GraphRunner at_once(graph, {6, 6, 6});
  Rng rng(4);
  for (const auto& [name, type] : facts.tensors()) {
    std::vector<double> values(static_cast<size_t>(graph.bound_shape(type).count()));
    for (double& value : values) value = 0.3 * rng.normal();
    at_once.set(name, values);
  }
  support::GraphRunner one(graph, {1, 1, 1});
  copy_persistent(graph, at_once, one);
  run_piece(at_once, tokens, 0);
  const std::vector<double> wanted = at_once.get("logits");
  for (size_t i = 0; i < tokens.size(); ++i) {
    run_piece(one, {tokens[i]}, i);
    const std::vector<double> logits = one.get("logits");
    for (size_t v = 0; v < 100; ++v) {
      ASSERT_NEAR(logits[v], wanted[i * 100 + v], 1e-4) << "token " << i;
    }
  }
}

TEST(Decoder, NamesTheMissingOrMisshapenTensor) {
  const FakeFacts bare("llama");
  const auto missing = build_decoder(*read_config(bare), bare, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::Malformed);
  EXPECT_NE(missing.error().message.find("blk.0.attn_norm.weight"), std::string::npos);
  FakeFacts odd = complete("llama");
  odd.add("blk.1.ffn_down.weight", {64, 95});
  const auto misshapen = build_decoder(*read_config(odd), odd, {});
  ASSERT_FALSE(misshapen);
  EXPECT_NE(misshapen.error().message.find("blk.1.ffn"), std::string::npos)
      << misshapen.error().message;
}

}  // namespace
}  // namespace verge::nn
