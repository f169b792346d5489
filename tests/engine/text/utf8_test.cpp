#include <gtest/gtest.h>

#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

TEST(Utf8, EveryCodePointSurvives) {
  for (char32_t c = 0; c <= kMaxCodePoint; ++c) {
    std::string text;
    append_utf8(text, c);
    ASSERT_EQ(text.size(), utf8_length(static_cast<uint8_t>(text[0])));
    ASSERT_EQ(code_points(text), std::vector<char32_t>{c});
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(repaired_utf8(text) == text, !surrogate) << static_cast<uint32_t>(c);
  }
}

TEST(Utf8, InvalidBytesAreReplacedOneByOne) {
  using Points = std::vector<char32_t>;
  const std::pair<std::string_view, Points> cases[] = {
      {"a\xFFz", {U'a', kReplacement, U'z'}},
      {"\xE2\x82", {kReplacement, kReplacement}},
      {"\xC3(", {kReplacement, U'('}},
      {"\xC0\x80", {0}},
      {"\xED\xA0\x80", {0xD800}},
      {"\xF4\x90\x80\x80", {kReplacement, kReplacement, kReplacement, kReplacement}},
      {"\xF8\x88\x80\x80\x80", Points(5, kReplacement)},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(code_points(text), expected) << text;
}

// The examples of Unicode 15, section 3.9, tables 3-8 to 3-11.
TEST(Utf8, RepairsMaximalSubparts) {
  const std::string r = "\xEF\xBF\xBD";
  const std::pair<std::string_view, std::string> cases[] = {
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
       "A",
       r + r + r + r + r + r + r + r + "A"},
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF"
       "A",
       r + r + r + r + r + r + r + r + "A"},
      {"\xF4\x91\x92\x93\xFF"
       "A\x80\xBF"
       "B",
       r + r + r + r + r + "A" + r + r + "B"},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
       "A",
       r + r + r + r + "A"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(repaired_utf8(text), expected);
}

TEST(Utf8, FindsTheUnfinishedCharacter) {
  const std::pair<std::string_view, size_t> cases[] = {
      {"", 0},
      {"a", 0},
      {"\xC3", 1},
      {"a\xE2\x82", 2},
      {"\xE2", 1},
      {"\xF0\x9F\x98", 3},
      {"\xE2\x82\xAC", 0},
      {"\x80\x80", 0},
      {"\xE0\x80", 0},
      {"\xFF", 0},
      {"\xED\xA0", 0},
      {"\xC3\xA9\xC3", 1},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(unfinished_bytes(text), expected) << text;
}

}  // namespace
}  // namespace verge::text
