#include <gtest/gtest.h>

#include <verge/engine/text/special_tokens.hpp>

namespace verge::text {
namespace {

using Parts = std::vector<std::pair<std::string, int32_t>>;

Parts split(const std::vector<SpecialTokens::Entry>& entries, std::string_view text) {
  Parts parts;
  for (const Fragment& fragment : SpecialTokens(entries).split(text)) {
    parts.emplace_back(fragment.text, fragment.token);
  }
  return parts;
}

TEST(SpecialTokens, AreCutOut) {
  const std::vector<SpecialTokens::Entry> entries = {{"<s>", 1}, {"</s>", 2}, {"", 3}};
  EXPECT_EQ(split(entries, ""), Parts{});
  EXPECT_EQ(split(entries, "hi"), (Parts{{"hi", -1}}));
  EXPECT_EQ(split(entries, "<s>"), (Parts{{"<s>", 1}}));
  EXPECT_EQ(split(entries, "<s><s>a</s"), (Parts{{"<s>", 1}, {"<s>", 1}, {"a</s", -1}}));
  EXPECT_EQ(split(entries, "a</s>b"), (Parts{{"a", -1}, {"</s>", 2}, {"b", -1}}));
}

TEST(SpecialTokens, LongerOnesComeFirstWhereverTheyAre) {
  EXPECT_EQ(split({{"ab", 1}, {"b", 2}}, "abb"), (Parts{{"ab", 1}, {"b", 2}}));
  EXPECT_EQ(split({{"xab", 1}, {"abcd", 2}}, "xabcd"), (Parts{{"x", -1}, {"abcd", 2}}));
  EXPECT_EQ(split({{"aa", 1}}, "aaa"), (Parts{{"aa", 1}, {"a", -1}}));
}

TEST(SpecialTokens, SomeTakeTheWhiteSpaceAfterThem) {
  const std::vector<SpecialTokens::Entry> entries = {{"<|user|>", 1, true}, {"<s>", 2}};
  EXPECT_EQ(split(entries, "<|user|> \n\t\v\f\ra b "), (Parts{{"<|user|>", 1}, {"a b ", -1}}));
  EXPECT_EQ(split(entries, "<|user|>\n<|user|>\n"), (Parts{{"<|user|>", 1}, {"<|user|>", 1}}));
  EXPECT_EQ(split(entries, "<s> <|user|> <s> a"),
            (Parts{{"<s>", 2}, {" ", -1}, {"<|user|>", 1}, {"<s>", 2}, {" a", -1}}));
  EXPECT_EQ(split(entries, "<|user|>\u00A0a"), (Parts{{"<|user|>", 1}, {"\u00A0a", -1}}));
}

TEST(SpecialTokens, ManyOnLongText) {
  std::vector<SpecialTokens::Entry> entries;
  for (int i = 1; i <= 31; ++i) entries.push_back({std::string(i, '\n'), i});
  const Parts parts = split(entries, std::string(310'007, '\n'));
  EXPECT_EQ(parts.size(), 10'001U);
  EXPECT_EQ(parts.back().second, 7);
}

}  // namespace
}  // namespace verge::text
