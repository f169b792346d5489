#include <gtest/gtest.h>

#include <verge/engine/text/text_model.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

TEST(TextModel, ReadsByteTokens) {
  const std::pair<const char*, int> cases[] = {
      {"<0x00>", 0},   {"<0xFF>", 255}, {"<0x0a>", 10}, {"<0x0>", -1},
      {"<0x000>", -1}, {"<0xG0>", -1},  {"<0x-1>", -1}, {"", -1},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(byte_token_value(text), value) << text;
}

TEST(TextModel, BytesFallBackToTheBestToken) {
  Vocabulary vocabulary = sentencepiece_vocabulary({"A"});
  EXPECT_EQ(byte_fallback(vocabulary)['A'], 3 + 'A');
  vocabulary.tokens[3 + 'A'] = "renamed";
  EXPECT_EQ(byte_fallback(vocabulary)['A'], 259);
  vocabulary.tokens[3 + 'B'] = "also renamed";
  vocabulary.unk = 0;
  EXPECT_EQ(byte_fallback(vocabulary)['B'], 0);
}

TEST(TextModel, MarksSpaces) {
  EXPECT_EQ(with_space_marks(" a  b"), "▁a▁▁b");
  EXPECT_EQ(without_space_marks("▁a▁▁b\xE2\x96"), " a  b\xE2\x96");
}

}  // namespace
}  // namespace verge::text
