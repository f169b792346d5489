#include <gtest/gtest.h>

#include <verge/engine/text/special_tokens.hpp>

namespace verge::text {
namespace {

using Fragments = std::vector<std::pair<std::string, int32_t>>;

Fragments fragments(const std::vector<SpecialTokens::Entry>& entries, std::string_view text) {
  Fragments parts;
  for (const Fragment& fragment : SpecialTokens(entries).split(text)) {
    parts.emplace_back(fragment.text, fragment.token);
  }
  return parts;
}

TEST(SpecialTokens, AreCutOut) {
  const std::vector<SpecialTokens::Entry> entries = {{"<s>", 1}, {"</s>", 2}, {"", 3}};
  EXPECT_EQ(fragments(entries, ""), Fragments{});
  EXPECT_EQ(fragments(entries, "hi"), (Fragments{{"hi", -1}}));
  EXPECT_EQ(fragments(entries, "<s>"), (Fragments{{"<s>", 1}}));
  EXPECT_EQ(fragments(entries, "<s><s>a</s"), (Fragments{{"<s>", 1}, {"<s>", 1}, {"a</s", -1}}));
  EXPECT_EQ(fragments(entries, "a</s>b"), (Fragments{{"a", -1}, {"</s>", 2}, {"b", -1}}));
}

TEST(SpecialTokens, LongerOnesComeFirstWhereverTheyAre) {
  EXPECT_EQ(fragments({{"ab", 1}, {"b", 2}}, "abb"), (Fragments{{"ab", 1}, {"b", 2}}));
  EXPECT_EQ(fragments({{"xab", 1}, {"abcd", 2}}, "xabcd"), (Fragments{{"x", -1}, {"abcd", 2}}));
  EXPECT_EQ(fragments({{"aa", 1}}, "aaa"), (Fragments{{"aa", 1}, {"a", -1}}));
}

TEST(SpecialTokens, SomeTakeTheWhiteSpaceAfterThem) {
  const std::vector<SpecialTokens::Entry> entries = {{"<|user|>", 1, true}, {"<s>", 2}};
  EXPECT_EQ(fragments(entries, "<|user|> \n\t\v\f\ra b "),
            (Fragments{{"<|user|>", 1}, {"a b ", -1}}));
  EXPECT_EQ(fragments(entries, "<|user|>\n<|user|>\n"),
            (Fragments{{"<|user|>", 1}, {"<|user|>", 1}}));
  EXPECT_EQ(fragments(entries, "<s> <|user|> <s> a"),
            (Fragments{{"<s>", 2}, {" ", -1}, {"<|user|>", 1}, {"<s>", 2}, {" a", -1}}));
  EXPECT_EQ(fragments(entries, "<|user|>\u00A0a"), (Fragments{{"<|user|>", 1}, {"\u00A0a", -1}}));
}

TEST(SpecialTokens, ManyOnLongText) {
  std::vector<SpecialTokens::Entry> entries;
  for (int i = 1; i <= 31; ++i) entries.push_back({std::string(i, '\n'), i});
  const Fragments parts = fragments(entries, std::string(310'007, '\n'));
  EXPECT_EQ(parts.size(), 10'001U);
  EXPECT_EQ(parts.back().second, 7);
}

}  // namespace
}  // namespace verge::text
