#include <gtest/gtest.h>

#include <verge/engine/text/text_model.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

std::string pieces(std::string_view text) {
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
  EXPECT_EQ(pieces(" ab a"), "▁ab|▁a");
  EXPECT_EQ(pieces("a\n ab"), "a|\n|▁ab");
  EXPECT_EQ(pieces("中中中"), "中中|中");
}

TEST(CharacterBpe, RunsOfNewlinesAreWords) {
  EXPECT_EQ(pieces("\n\n"), "\n\n");
  EXPECT_EQ(pieces("\n\n\n"), "\n|\n|\n");
}

TEST(CharacterBpe, FallsBackToBytes) {
  EXPECT_EQ(pieces("aéb"), "a|<0xC3>|<0xA9>|b");
  EXPECT_EQ(pieces("\xFF"), "<0xEF>|<0xBF>|<0xBD>");
}

}  // namespace
}  // namespace verge::text
