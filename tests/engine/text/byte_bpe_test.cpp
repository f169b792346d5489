#include <gtest/gtest.h>

#include <verge/engine/text/text_model.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

std::string byte_pieces(Vocabulary vocabulary, std::string_view text) {
  const auto complete = checked(std::move(vocabulary));
  const auto model = make_byte_bpe(*complete);
  std::vector<int32_t> ids;
  (*model)->encode(text, true, ids);
  std::string result;
  for (const int32_t id : ids) result += (result.empty() ? "" : " ") + complete->tokens[id];
  return result;
}

TEST(ByteBpe, MergesWithinWords) {
  const std::vector<std::string> merges = {"l l", "h e", "he ll", "Ġ hell", "d Ġ"};
  EXPECT_EQ(byte_pieces(byte_vocabulary(merges), "hell hell"), "hell Ġhell");
  EXPECT_EQ(byte_pieces(byte_vocabulary(merges), "d d"), "d Ġ d");
}

TEST(ByteBpe, WholeWordsNeedNoMergesInSomeFamilies) {
  Vocabulary vocabulary = byte_vocabulary({}, "llama-bpe");
  add_token(vocabulary, "Ġword", TokenType::Normal);
  EXPECT_EQ(byte_pieces(vocabulary, "word word"), "w o r d Ġword");
  vocabulary.ignore_merges = false;
  EXPECT_EQ(byte_pieces(vocabulary, "a word"), "a Ġ w o r d");
}

TEST(ByteBpe, BytesWithoutATokenAreUnknown) {
  Vocabulary vocabulary = byte_vocabulary({});
  vocabulary.tokens['b'] = "B-with-another-name";
  EXPECT_EQ(byte_pieces(vocabulary, "abc"), "a c");
  add_token(vocabulary, "<unk>", TokenType::Unknown);
  vocabulary.unk = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  EXPECT_EQ(byte_pieces(vocabulary, "abc"), "a <unk> c");
}

TEST(ByteBpe, KeepsOddTokensReadable) {
  const auto vocabulary = checked(byte_vocabulary({}));
  const auto model = make_byte_bpe(*vocabulary);
  EXPECT_EQ((*model)->bytes_of("Ġa"), " a");
  EXPECT_EQ((*model)->bytes_of("not in the alphabet"), "not in the alphabet");
}

}  // namespace
}  // namespace verge::text
