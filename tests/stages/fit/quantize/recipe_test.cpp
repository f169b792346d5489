#include <gtest/gtest.h>

#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/quantize/recipe.hpp>

namespace verge::fit {
namespace {

const Shape kMatrix{256, 2048};

Recipe recipe(std::string_view name) {
  auto found = make_recipe(name);
  EXPECT_TRUE(found.ok()) << name;
  return std::move(found).value();
}

/// The types of blk.0, blk.1, ... as one letter a layer: the digit of the type's bits.
std::string by_layer(std::string_view recipe_name, std::string_view tensor,
                     const ModelFacts& model) {
  const Recipe chosen = recipe(recipe_name);
  std::string bits;
  for (int layer = 0; layer < model.layers; ++layer) {
    const auto choice = chosen.type_of(fmt::format("blk.{}.{}", layer, tensor), kMatrix, model);
    bits += verge::name(choice.type)[1];
  }
  return bits;
}

TEST(Recipe, MixesByLayer) {
  struct Case {
    std::string_view recipe, tensor, bits;
  };
  // 16 layers; written out by hand from the rules.
  constexpr Case kCases[] = {
      {"Q4_K_M", "attn_v.weight", "6644644644644666"},
      {"Q4_K_M", "ffn_down.weight", "6644644644644666"},
      {"Q4_K_M", "ffn_up.weight", "4444444444444444"},
      {"Q4_K_M", "attn_qkv.weight", "5555555555555555"},
      {"Q4_K_S", "attn_v.weight", "5555444444444444"},
      {"Q4_K_S", "ffn_down.weight", "5544444444444444"},
      {"Q5_K_M", "attn_v.weight", "6655655655655666"},
      {"Q5_K_S", "attn_v.weight", "5555555555555555"},
      {"Q3_K_M", "attn_v.weight", "5544444444444444"},
      {"Q3_K_M", "ffn_down.weight", "5444444444444444"},
      {"Q3_K_M", "attn_output.weight", "4444444444444444"},
      {"Q3_K_L", "attn_output.weight", "5555555555555555"},
      {"Q3_K_S", "attn_v.weight", "3333333333333333"},
      {"Q2_K", "attn_v.weight", "3333333333333333"},
      {"Q2_K", "ffn_gate.weight", "2222222222222222"},
      {"Q6_K", "ffn_down.weight", "6666666666666666"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(by_layer(c.recipe, c.tensor, {.layers = 16}), c.bits) << c.recipe << " " << c.tensor;
  }
}

TEST(Recipe, SharedKeysAndExpertsGetMoreBits) {
  EXPECT_EQ(by_layer("Q2_K", "attn_v.weight", {.layers = 2, .heads_per_kv_head = 4}), "44");
  EXPECT_EQ(by_layer("Q4_K_M", "attn_k.weight", {.layers = 2, .experts = 8}), "88");
  EXPECT_EQ(by_layer("Q4_K_M", "attn_output.weight", {.layers = 2, .experts = 8}), "55");
  EXPECT_EQ(by_layer("Q6_K", "attn_output.weight", {.layers = 2, .experts = 8}), "66");
  EXPECT_EQ(by_layer("Q4_K_M", "attn_k.weight", {.layers = 2, .experts = 64}), "44");
}

TEST(Recipe, TheOutputMatrixIsSixBits) {
  for (const std::string_view name : recipe_names()) {
    const Recipe chosen = recipe(name);
    const DType output = chosen.type_of("output.weight", kMatrix, {}).type;
    const DType embedding = chosen.type_of("token_embd.weight", kMatrix, {}).type;
    EXPECT_EQ(chosen.type_of("token_embd.weight", kMatrix, {.tied_output = true}).type, output);
    EXPECT_EQ(chosen.type_of("exit.4.output.weight", kMatrix, {}).type, output) << "of a head";
    EXPECT_TRUE(quant::can_quantize(embedding)) << name;
    const bool plain = !is_quantized(embedding);
    EXPECT_EQ(output, plain || name == "Q8_0" ? embedding : DType::Q6_K) << name;
  }
}

TEST(Recipe, SmallTensorsStayF32) {
  const Recipe chosen = recipe("Q4_K_M");
  EXPECT_EQ(chosen.type_of("blk.0.attn_norm.weight", {256}, {}).type, DType::F32);
  EXPECT_EQ(chosen.type_of("blk.0.attn_q.bias", {256}, {}).type, DType::F32);
  for (const std::string_view name :
       {"blk.0.ffn_gate_inp.weight", "position_embd.weight", "blk.0.attn_q_norm.weight"}) {
    EXPECT_EQ(chosen.type_of(name, kMatrix, {}).type, DType::F32) << name;
  }
}

TEST(Recipe, NarrowColumnsFallBackAndSaySo) {
  struct Case {
    DType type;
    DType at_64, at_172;
  };
  constexpr Case kCases[] = {
      {DType::Q2_K, DType::Q4_0, DType::F16},  {DType::Q3_K, DType::Q4_0, DType::F16},
      {DType::Q4_K, DType::Q5_0, DType::F16},  {DType::Q5_K, DType::Q5_1, DType::F16},
      {DType::Q6_K, DType::Q8_0, DType::F16},  {DType::TQ2_0, DType::Q4_0, DType::F16},
      {DType::Q4_0, DType::Q4_0, DType::F16},  {DType::F32, DType::F32, DType::F32},
      {DType::BF16, DType::BF16, DType::BF16},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(fallback_type(c.type, 256), c.type);
    EXPECT_EQ(fallback_type(c.type, 64), c.at_64) << verge::name(c.type);
    EXPECT_EQ(fallback_type(c.type, 172), c.at_172) << verge::name(c.type);
  }
  const TypeChoice choice = recipe("Q4_K_M").type_of("blk.0.ffn_up.weight", {172, 64}, {});
  EXPECT_EQ(choice.requested, DType::Q4_K);
  EXPECT_EQ(choice.type, DType::Q5_0);
  EXPECT_TRUE(choice.fell_back());
}

TEST(Recipe, TheLastOverrideThatMatchesWins) {
  Recipe chosen = recipe("q4_k_m");
  ASSERT_TRUE(chosen.add_override("ffn_.*=Q2_K").ok());
  ASSERT_TRUE(chosen.add_override("blk\\.[0-3]\\.ffn_up=q8_0").ok());
  EXPECT_EQ(chosen.type_of("blk.2.ffn_up.weight", kMatrix, {}).type, DType::Q8_0);
  EXPECT_EQ(chosen.type_of("blk.4.ffn_up.weight", kMatrix, {}).type, DType::Q2_K);
  EXPECT_EQ(chosen.type_of("blk.4.ffn_norm.weight", {256}, {}).type, DType::F32);
  EXPECT_EQ(chosen.type_of("blk.4.ffn_down.weight", {256, 96}, {}).type, DType::Q4_0);
}

TEST(Recipe, ErrorsSayWhatToWrite) {
  EXPECT_EQ(make_recipe("Q4_K_XL").error().message,
            "no recipe \"Q4_K_XL\"; choose one of F32, F16, BF16, Q8_0, Q6_K, Q5_1, Q5_K_M, "
            "Q5_K_S, Q5_0, Q4_1, Q4_K_M, Q4_K_S, Q4_0, IQ4_NL, Q3_K_L, Q3_K_M, Q3_K_S, Q2_K");
  Recipe chosen = recipe("Q4_0");
  EXPECT_EQ(chosen.add_override("ffn_up").error().message,
            "tensor type \"ffn_up\": write it as REGEX=TYPE");
  EXPECT_EQ(chosen.add_override("ffn_up=I32").error().message,
            "tensor type \"ffn_up=I32\": I32 is no type that can be written");
  EXPECT_TRUE(chosen.add_override("ffn_(=Q4_0")
                  .error()
                  .message.starts_with("tensor type \"ffn_(=Q4_0\": bad expression: "));
}

}  // namespace
}  // namespace verge::fit
