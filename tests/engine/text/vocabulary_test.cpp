#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include <verge/engine/text/vocabulary.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

TEST(Vocabulary, DecidesEveryOption) {
  const auto pieces = checked(sentencepiece_vocabulary({"a"}));
  ASSERT_TRUE(pieces.ok());
  EXPECT_EQ(pieces->unk, 0);
  EXPECT_EQ(pieces->bos, 1);
  EXPECT_EQ(pieces->eos, 2);
  EXPECT_EQ(pieces->add_bos, true);
  EXPECT_EQ(pieces->add_space_prefix, true);
  const auto bytes = checked(byte_vocabulary({}, "llama-bpe"));
  EXPECT_EQ(bytes->add_bos, true);
  EXPECT_EQ(bytes->ignore_merges, true);
  EXPECT_EQ(bytes->add_space_prefix, false);
  Vocabulary first = byte_vocabulary({});
  first.bos = 0, first.add_bos = true;
  EXPECT_EQ(checked(first)->bos, 0);
  EXPECT_EQ(checked(byte_vocabulary({}, "qwen2"))->add_bos, false);
}

TEST(Vocabulary, FillsInMissingTables) {
  Vocabulary vocabulary = byte_vocabulary({});
  vocabulary.types.clear();
  vocabulary.scores.clear();
  const auto complete = checked(vocabulary);
  ASSERT_TRUE(complete.ok());
  EXPECT_EQ(complete->types.size(), complete->tokens.size());
  EXPECT_EQ(complete->scores.size(), complete->tokens.size());
}

TEST(Vocabulary, ProtectsTokensThatLookLikeControl) {
  Vocabulary vocabulary = byte_vocabulary({});
  add_token(vocabulary, "<|fim_prefix|>", TokenType::Normal);
  add_token(vocabulary, "<|end|>", TokenType::Normal);
  const auto type = [](const Result<Vocabulary>& v, size_t back) {
    return static_cast<TokenType>(v->types[v->types.size() - back]);
  };
  const auto plain = checked(vocabulary);
  EXPECT_EQ(type(plain, 2), TokenType::Control);
  EXPECT_EQ(type(plain, 1), TokenType::Control);
  EXPECT_EQ(end_tokens(*plain), (std::vector<int32_t>{256, 257, 260}));
  add_token(vocabulary, "<|call|>", TokenType::Control);
  add_token(vocabulary, "<|return|>", TokenType::Control);
  const auto harmony = checked(vocabulary);
  EXPECT_EQ(type(harmony, 3), TokenType::UserDefined);
  EXPECT_EQ(end_tokens(*harmony), (std::vector<int32_t>{256, 257, 261, 262}));
}

TEST(Vocabulary, RefusesWhatContradictsItself) {
  struct Case {
    std::function<void(Vocabulary&)> damage;
    const char* message;
  };
  const Case cases[] = {
      {[](Vocabulary& v) { v.model = "bert"; },
       "tokenizer: model \"bert\" is not known; known are llama, gpt2 and gemma4"},
      {[](Vocabulary& v) { v.tokens.clear(); }, "tokenizer: 0 tokens; expected 1 to 16777216"},
      {[](Vocabulary& v) { v.scores.pop_back(); },
       "tokenizer: scores has 258 entries for 259 tokens; the file is damaged"},
      {[](Vocabulary& v) { v.types.push_back(1); },
       "tokenizer: token_type has 260 entries for 259 tokens; the file is damaged"},
      {[](Vocabulary& v) { v.types[7] = 9; }, "tokenizer: token 7 has type 9; expected 0 to 6"},
      {[](Vocabulary& v) { v.scores[3] = std::numeric_limits<float>::quiet_NaN(); },
       "tokenizer: token 3 has the score NaN"},
      {[](Vocabulary& v) { v.tokens[5] = v.tokens[4]; },
       "tokenizer: token 5 repeats the text of another, \"Ą\""},
      {[](Vocabulary& v) { v.tokens[5].assign(65537, 'x'); },
       "tokenizer: token 5 has 65537 bytes; at most 65536 are allowed"},
      {[](Vocabulary& v) { v.tokens[258].assign(1025, 'x'); },
       "tokenizer: token 258 has 1025 bytes; at most 1024 are allowed"},
      {[](Vocabulary& v) { v.bos = 259; }, "tokenizer: bos is token 259 of 259"},
      {[](Vocabulary& v) { v.bos = -5, v.add_bos = true; },
       "tokenizer: add_bos is set, but there is no bos token"},
      {[](Vocabulary& v) { v.eos = -1, v.add_eos = true; },
       "tokenizer: add_eos is set, but there is no eos token"},
  };
  for (const Case& c : cases) {
    Vocabulary vocabulary = byte_vocabulary({});
    c.damage(vocabulary);
    const auto result = checked(std::move(vocabulary));
    ASSERT_FALSE(result.ok()) << c.message;
    EXPECT_EQ(result.error().message, c.message);
  }
}

TEST(Vocabulary, EmptyTokensAreAllowed) {
  Vocabulary vocabulary = byte_vocabulary({});
  vocabulary.tokens[0].clear();
  vocabulary.tokens[1].clear();
  EXPECT_TRUE(checked(vocabulary).ok());
}

}  // namespace
}  // namespace verge::text
