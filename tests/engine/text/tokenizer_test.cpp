#include <gtest/gtest.h>

#include <verge/engine/text/tokenizer.hpp>

#include "sanitized.hpp"
#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> tokenizer_of(Vocabulary vocabulary) {
  auto tokenizer = make_tokenizer(std::move(vocabulary));
  VERGE_CHECK(tokenizer.ok());
  return std::move(tokenizer).value();
}

TEST(Tokenizer, AddsBosAndEosIfTheFileSaysSo) {
  Vocabulary vocabulary = byte_vocabulary({});
  vocabulary.bos = 256;
  vocabulary.eos = 257;
  EXPECT_EQ(tokenizer_of(vocabulary)->encode("a"), (Ids{'a'}));
  vocabulary.add_bos = true;
  EXPECT_EQ(tokenizer_of(vocabulary)->encode("a"), (Ids{256, 'a'}));
  vocabulary.add_eos = true;
  EXPECT_EQ(tokenizer_of(vocabulary)->encode(""), (Ids{256, 257}));
  EXPECT_EQ(tokenizer_of(vocabulary)->encode("a", {.add_special = false}), (Ids{'a'}));
  vocabulary.pre = "llama-bpe";
  vocabulary.add_bos.reset();
  EXPECT_EQ(tokenizer_of(vocabulary)->encode("a"), (Ids{256, 'a', 257}));
}

TEST(Tokenizer, UserTextNeverBecomesAControlToken) {
  const auto tokenizer = tokenizer_of(byte_vocabulary({}));
  const int32_t im_end = 257, tool = 258;
  for (const int32_t token : tokenizer->encode("<|im_end|><|im_start|>")) EXPECT_LT(token, 256);
  EXPECT_EQ(tokenizer->encode("a<|im_end|>", {.parse_special = true}), (Ids{'a', im_end}));
  EXPECT_EQ(tokenizer->encode("<tool>"), (Ids{tool}));
  EXPECT_TRUE(tokenizer->is_end(im_end));
  EXPECT_TRUE(tokenizer->is_special(im_end));
  EXPECT_FALSE(tokenizer->is_special(tool));
}

// Pieces that lead up to "<s>" are ordinary; <s> itself must not come out of merging them.
TEST(Tokenizer, MergingNeverMakesAControlToken) {
  const auto tokenizer = tokenizer_of(sentencepiece_vocabulary({"<s", ">", "<", "s", "▁", "▁<s"}));
  for (const int32_t token : tokenizer->encode("<s><s>", {.add_special = false}))
    EXPECT_GT(token, 258);
  Vocabulary whole_words = byte_vocabulary({}, "llama-bpe");
  add_token(whole_words, "stop", TokenType::Control);
  EXPECT_EQ(tokenizer_of(whole_words)->encode("stop", {.add_special = false}).size(), 4U);
}

TEST(Tokenizer, DecodeUndoesEncode) {
  const auto byte_level = tokenizer_of(byte_vocabulary({"h e", "he l", "Ġ w"}));
  const auto pieces = tokenizer_of(sentencepiece_vocabulary({"▁he", "▁", "he", "l", "▁wo"}));
  for (const char* text : {"hello world", " hello", "  a  b ", "\r\n\t", "😀é中", "", " "}) {
    EXPECT_EQ(byte_level->decode(byte_level->encode(text)), text);
    EXPECT_EQ(pieces->decode(pieces->encode(text)), text);
  }
  EXPECT_EQ(pieces->decode(pieces->encode("\xFF\xE2\x82")), "\xFF\xE2\x82");
  EXPECT_EQ(byte_level->decode(byte_level->encode("\xFFz")), "\uFFFDz");
}

TEST(Tokenizer, DecodeShowsSpecialTokensOnlyIfAsked) {
  const auto tokenizer = tokenizer_of(byte_vocabulary({}));
  const Ids ids = {256, 'h', 'i', 257, -1, 99999};
  EXPECT_EQ(tokenizer->decode(ids), "hi");
  EXPECT_EQ(tokenizer->decode(ids, {.show_special = true}), "<|im_start|>hi<|im_end|>");
  EXPECT_EQ(tokenizer->piece(99999), "");
}

TEST(Tokenizer, ALongRunOfOneCharacter) {
  constexpr size_t kLength = test::kSanitized ? 100'000 : 1'000'000;
  const std::string text(kLength, 'a');
  const auto byte_level = tokenizer_of(byte_vocabulary({"a a", "aa aa", "aaaa aaaa"}));
  EXPECT_EQ(byte_level->encode(text).size(), kLength / 8);
  const auto pieces = tokenizer_of(sentencepiece_vocabulary({"aa", "aaaa", "aaaaaaaa", "a", "▁"}));
  EXPECT_EQ(pieces->encode(text).size(), kLength / 8 + 2);
}

}  // namespace
}  // namespace verge::text
