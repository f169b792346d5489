#include <gtest/gtest.h>

#include <verge/engine/text/detokenizer.hpp>
#include <verge/engine/text/utf8.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

std::vector<std::string> stream(const Tokenizer& tokenizer, const std::vector<int32_t>& tokens,
                                DecodeOptions options = {}) {
  Detokenizer detokenizer(tokenizer, options);
  std::vector<std::string> parts;
  for (const int32_t token : tokens) parts.push_back(detokenizer.push(token));
  parts.push_back(detokenizer.flush());
  return parts;
}

using Parts = std::vector<std::string>;

TEST(Detokenizer, ShowsWholeCharactersOnly) {
  const auto tokenizer = make_tokenizer(byte_vocabulary({}));
  EXPECT_EQ(stream(**tokenizer, {0xF0, 0x9F, 0x98, 0x80, 'a'}), (Parts{"", "", "", "😀", "a", ""}));
  EXPECT_EQ(stream(**tokenizer, {'a', 0xE2, 0x82}), (Parts{"a", "", "", "\uFFFD"}));
  EXPECT_EQ(stream(**tokenizer, {0xE2, 'b', 0xFF}), (Parts{"", "\uFFFDb", "\uFFFD", ""}));
}

TEST(Detokenizer, TogetherIsTheDecodedText) {
  const auto tokenizer = make_tokenizer(byte_vocabulary({"\xC3\xA0 a"}));
  std::vector<int32_t> tokens;
  for (int i = 0; i < 2000; ++i) tokens.push_back(i * 7919 % (*tokenizer)->size());
  std::string together;
  for (const std::string& part : stream(**tokenizer, tokens)) together += part;
  EXPECT_EQ(together, repaired_utf8((*tokenizer)->decode(tokens)));
}

TEST(Detokenizer, DropsTheSpaceOfTheFirstWordOnly) {
  const auto tokenizer = make_tokenizer(sentencepiece_vocabulary({"▁a", "▁"}));
  const int32_t a = 259;
  EXPECT_EQ(stream(**tokenizer, {1, a, a}), (Parts{"", "a", " a", ""}));
  EXPECT_EQ(stream(**tokenizer, {a}, {.starts_text = false}), (Parts{" a", ""}));
  EXPECT_EQ(stream(**tokenizer, {1, a}, {.show_special = true}), (Parts{"<s>", "a", ""}));
}

}  // namespace
}  // namespace verge::text
