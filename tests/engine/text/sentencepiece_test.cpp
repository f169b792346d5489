#include <gtest/gtest.h>

#include <verge/engine/text/text_model.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

std::string sentencepieces(std::vector<std::string> vocabulary_pieces, std::string_view text,
                           bool starts = false) {
  const auto vocabulary = checked(sentencepiece_vocabulary(std::move(vocabulary_pieces)));
  const auto model = make_sentencepiece(*vocabulary);
  std::vector<int32_t> ids;
  (*model)->encode(text, starts, ids);
  std::string result;
  for (const int32_t id : ids) result += (result.empty() ? "" : " ") + vocabulary->tokens[id];
  return result;
}

TEST(SentencePiece, MergesByScoreNotByLength) {
  EXPECT_EQ(sentencepieces({"bc", "ab", "abc", "a", "b", "c"}, "abc"), "abc");
  EXPECT_EQ(sentencepieces({"bc", "ab", "a", "b", "c"}, "abc"), "a bc");
  EXPECT_EQ(sentencepieces({"aa", "a"}, "aaaaa"), "aa aa a");
}

TEST(SentencePiece, PutsASpaceBeforeTheFirstWord) {
  EXPECT_EQ(sentencepieces({"▁a", "▁", "a"}, "a", true), "▁a");
  EXPECT_EQ(sentencepieces({"▁a", "▁", "a"}, "a"), "a");
  EXPECT_EQ(sentencepieces({"▁a", "▁", "a"}, " a", true), "▁ ▁a");
  EXPECT_EQ(sentencepieces({"▁a", "▁", "a"}, "", true), "");
}

TEST(SentencePiece, TokensMayHoldSpaces) {
  EXPECT_EQ(sentencepieces({"a▁b", "a▁", "▁", "a", "b"}, "a b a b"), "a▁b ▁ a▁b");
  EXPECT_EQ(sentencepieces({"▁▁", "▁", "▖▁", "▖"}, "▖ ▖  "), "▖▁ ▖ ▁▁");
  EXPECT_EQ(sentencepieces({"▁▁", "▁a", "▁", "a"}, "a  a   a"), "a ▁▁ a ▁▁ ▁a");
}

TEST(SentencePiece, FallsBackToBytes) {
  EXPECT_EQ(sentencepieces({"a"}, "aé\n"), "a <0xC3> <0xA9> <0x0A>");
  EXPECT_EQ(sentencepieces({"a"}, "\xF0\x9F"), "<0xF0> <0x9F>");
  EXPECT_EQ(sentencepieces({"a"}, " "), "<0xE2> <0x96> <0x81>");
}

}  // namespace
}  // namespace verge::text
