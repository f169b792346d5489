#include <cmath>

#include <gtest/gtest.h>

#include "fake_facts.hpp"

namespace verge::nn {
namespace {

TEST(Config, EveryFamilyReadsTheCommonKeys) {
  for (const char* family :
       {"llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "qwen3moe"}) {
    FakeFacts facts(family);
    facts.set("expert_feed_forward_length", 32).set("expert_count", 4).set("expert_used_count", 2);
    const auto config = read_config(facts);
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config->vocab, 100);
    EXPECT_EQ(config->head_dim, 16);
    EXPECT_EQ(config->rope.dims, 16);
    EXPECT_DOUBLE_EQ(config->attention_scale, 0.25);
    const bool is_gemma = config->architecture.starts_with("gemma");
    EXPECT_DOUBLE_EQ(config->embedding_scale, is_gemma ? 8.0 : 1.0);
    EXPECT_EQ(config->rope.pairs == RopePairs::Interleaved, config->architecture == "llama");
    EXPECT_EQ(config->ffn_dim, config->architecture == "qwen3moe" ? 32 : 96);
  }
}

TEST(Config, WindowsFollowTheFamilysPattern) {
  const auto locals = [](const char* family) {
    const auto config = read_config(FakeFacts(family).set("attention.sliding_window", 8));
    std::string pattern;
    for (int64_t layer = 0; layer < 7; ++layer) pattern += config->is_local(layer) ? 'l' : 'g';
    return pattern;
  };
  EXPECT_EQ(locals("llama"), "lllllll");
  EXPECT_EQ(locals("gemma2"), "lglglgl");
  EXPECT_EQ(locals("gemma3"), "lllllgl");
  EXPECT_EQ(locals("qwen2"), "ggggggg");
}

TEST(Config, ErrorsNameTheKey) {
  struct Case {
    const char* key;
    double value;  // 0: removed
  };
  for (const Case& bad : {Case{"block_count", 0}, Case{"embedding_length", 0.5},
                          Case{"attention.head_count", 1e9}, Case{"context_length", -1}}) {
    FakeFacts facts("llama");
    bad.value == 0 ? facts.remove(bad.key) : facts.set(bad.key, bad.value);
    const auto config = read_config(facts);
    ASSERT_FALSE(config.ok()) << bad.key;
    EXPECT_EQ(config.error().code, Code::Malformed);
    EXPECT_NE(config.error().message.find(std::string("llama.") + bad.key), std::string::npos);
  }
}

TEST(Config, RefusesContradictions) {
  EXPECT_FALSE(read_config(FakeFacts("llama").set("attention.head_count_kv", 3)).ok());
  EXPECT_FALSE(read_config(FakeFacts("llama").set("rope.dimension_count", 18)).ok());
  EXPECT_FALSE(
      read_config(FakeFacts("llama").set("expert_count", 2).set("expert_used_count", 3)).ok());
  EXPECT_FALSE(read_config(FakeFacts("qwen3moe")).ok());
}

TEST(Config, ExitHeadsHaveATemperatureEach) {
  FakeFacts facts("llama");
  facts.set("block_count", 6).set_list("verge.exit_layers", {2, 4});
  const auto plain = read_config(facts);
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->exit_layers, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(plain->exit_temperatures, (std::vector<double>{1, 1}));
  facts.set_list("verge.exit.temperature", {1.5, 0.5});
  const auto fitted = read_config(facts);
  ASSERT_TRUE(fitted.ok());
  EXPECT_EQ(fitted->exit_temperature(2), 1.5);
  EXPECT_EQ(fitted->exit_temperature(4), 0.5);
  EXPECT_EQ(fitted->exit_temperature(6), 1);
  std::string heads;
  for (int64_t after = 1; after <= 6; ++after) heads += fitted->has_head(after) ? 'x' : '-';
  EXPECT_EQ(heads, "-x-x-x");
}

TEST(Config, RefusesExitsThatDoNotFit) {
  const auto message = [](std::vector<double> layers, std::vector<double> temperatures) {
    FakeFacts facts("llama");
    facts.set("block_count", 6).set_list("verge.exit_layers", std::move(layers));
    facts.set_list("verge.exit.temperature", std::move(temperatures));
    const auto config = read_config(facts);
    EXPECT_FALSE(config.ok());
    return config.ok() ? "" : config.error().message;
  };
  EXPECT_NE(message({6}, {}).find("layer 6 of 6"), std::string::npos);
  EXPECT_NE(message({2, 4}, {1}).find("1 values for 2"), std::string::npos);
  EXPECT_NE(message({2}, {0}).find("above 0"), std::string::npos);
  EXPECT_NE(message({2}, {std::nan("")}).find("above 0"), std::string::npos);
}

// The last layers alone, of a model whose head is not the embedding.
TEST(Config, TheVocabularyIsThatOfTheHeadWhereThereIsNoEmbedding) {
  FakeFacts facts("llama");
  facts.remove_tensor("token_embd.weight").add("output.weight", {77, 64});
  const auto config = read_config(facts);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->vocab, 77);
}

TEST(Config, UnknownArchitecturesListTheKnown) {
  const auto config = read_config(FakeFacts("rwkv"));
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, Code::Unsupported);
  EXPECT_NE(config.error().message.find("gemma2"), std::string::npos);
}

}  // namespace
}  // namespace verge::nn
