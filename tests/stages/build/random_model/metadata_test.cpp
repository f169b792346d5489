#include <gtest/gtest.h>

#include <verge/stages/build/random_model/metadata.hpp>

namespace verge::build {
namespace {

TEST(Metadata, HasTheKeysOfTheFamily) {
  const auto gemma = random_metadata(*random_model_spec("tiny-gemma2"));
  ASSERT_TRUE(gemma.ok());
  EXPECT_EQ(*gemma->get_u32("gemma2.attention.sliding_window"), 8u);
  EXPECT_EQ(*gemma->get_f32("gemma2.attn_logit_softcapping"), 50.0f);
  EXPECT_EQ(*gemma->get_string("tokenizer.ggml.model"), "llama");
  EXPECT_EQ(*gemma->get_u32("tokenizer.ggml.bos_token_id"), 2u);

  const auto moe = random_metadata(*random_model_spec("tiny-qwen3moe"));
  ASSERT_TRUE(moe.ok());
  EXPECT_EQ(*moe->get_u32("qwen3moe.expert_used_count"), 3u);
  EXPECT_EQ(*moe->get_string("tokenizer.ggml.pre"), "qwen2");
  EXPECT_EQ(moe->get_strings("tokenizer.ggml.tokens")->size(), 768u);
  EXPECT_FALSE(moe->contains("qwen3moe.attention.sliding_window"));
  EXPECT_FALSE(moe->contains("tokenizer.ggml.unknown_token_id"));
}

}  // namespace
}  // namespace verge::build
