#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/strings.hpp>

namespace verge::text::jinja {
namespace {

using Views = std::vector<std::string_view>;

TEST(JinjaStrings, CharactersAreCodePointsAndStrayBytes) {
  EXPECT_EQ(characters("aé你🎉"), (Views{"a", "é", "你", "🎉"}));
  EXPECT_EQ(characters("\xC3(\xFFz\xE4\xBD"), (Views{"\xC3", "(", "\xFF", "z", "\xE4", "\xBD"}));
  EXPECT_EQ(length("aé你🎉"), 4u);
  EXPECT_EQ(length("\x80\x80"), 2u);
}

TEST(JinjaStrings, StripTakesUnicodeWhiteSpace) {
  EXPECT_EQ(strip("\u3000 \t\u00a0a b\u2028\n"), "a b");
  EXPECT_EQ(strip("  a ", Side::Left), "a ");
  EXPECT_EQ(strip("  a ", Side::Right), "  a");
  EXPECT_EQ(strip("éaé", "é", Side::Both), "a");
  EXPECT_EQ(strip(" \n "), "");
}

TEST(JinjaStrings, SplitsAsPythonDoes) {
  EXPECT_EQ(split("a,b,,", ","), (Views{"a", "b", "", ""}));
  EXPECT_EQ(split("a,b,c", ",", 1), (Views{"a", "b,c"}));
  EXPECT_EQ(rsplit("a,b,c", ",", 1), (Views{"a,b", "c"}));
  EXPECT_EQ(rsplit("a,b,c", ",", -1), (Views{"a", "b", "c"}));
  EXPECT_EQ(split_words("  a \n b "), (Views{"a", "b"}));
  EXPECT_EQ(split_words("a b c ", 1), (Views{"a", "b c "}));
  EXPECT_EQ(split_lines("a\r\nb\n\nc"), (Views{"a", "b", "", "c"}));
}

TEST(JinjaStrings, CasesChangeBeyondAscii) {
  EXPECT_EQ(upper("aé ñ÷ жё ω ß 你"), "AÉ Ñ÷ ЖЁ Ω SS 你");
  EXPECT_EQ(lower("AÉ Ñ× ЖЁ Ω"), "aé ñ× жё ω");
  EXPECT_EQ(capitalize("éCOLE x"), "École x");
  EXPECT_EQ(title("it's a-b 1c"), "It'S A-B 1C");
  EXPECT_EQ(upper("\xFF\xE0"), "\xFF\xE0");
}

TEST(JinjaStrings, ReplaceKnowsItsSizeBeforehand) {
  const std::pair<std::string, std::string> cases[] = {
      {"aXbX", "X"}, {"é你", ""}, {"", ""}, {"aaa", "aa"}};
  for (const auto& [text, from] : cases) {
    EXPECT_EQ(replace(text, from, "--").size(), replaced_size(text, from, "--")) << text;
  }
  EXPECT_EQ(replace("é你", "", "."), ".é.你.");
  EXPECT_EQ(replace("aaaa", "a", "b", 2), "bbaa");
  EXPECT_EQ(replace("ab", "", "-", 2), "-a-b");
}

}  // namespace
}  // namespace verge::text::jinja
