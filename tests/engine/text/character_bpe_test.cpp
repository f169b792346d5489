#include <gtest/gtest.h>

#include <verge/engine/text/text_model.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

std::string character_pieces(std::string_view text) {
  Vocabulary vocabulary =
      sentencepiece_vocabulary({"▁", "a", "b", "中", "▁a", "▁ab", "\n", "\n\n", "中中"});
  vocabulary.model = "gemma4";
  vocabulary.merges = {"▁ a", "▁a b", "中 中"};
  const auto complete = checked(std::move(vocabulary));
  const auto model = make_character_bpe(*complete);
  std::vector<int32_t> ids;
  (*model)->encode(text, true, ids);
  std::string result;
  for (const int32_t id : ids) result += (result.empty() ? "" : "|") + complete->tokens[id];
  return result;
}

TEST(CharacterBpe, MergesAcrossSpacesButNotAcrossLines) {
  EXPECT_EQ(character_pieces(" ab a"), "▁ab|▁a");
  EXPECT_EQ(character_pieces("a\n ab"), "a|\n|▁ab");
  EXPECT_EQ(character_pieces("中中中"), "中中|中");
}

TEST(CharacterBpe, RunsOfNewlinesAreWords) {
  EXPECT_EQ(character_pieces("\n\n"), "\n\n");
  EXPECT_EQ(character_pieces("\n\n\n"), "\n|\n|\n");
}

TEST(CharacterBpe, FallsBackToBytes) {
  EXPECT_EQ(character_pieces("aéb"), "a|<0xC3>|<0xA9>|b");
  EXPECT_EQ(character_pieces("\xFF"), "<0xEF>|<0xBF>|<0xBD>");
}

}  // namespace
}  // namespace verge::text
