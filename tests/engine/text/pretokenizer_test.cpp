#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/utf8.hpp>

#include "sanitized.hpp"

namespace verge::text {
namespace {

std::vector<std::string> words(std::string_view pre, std::string_view text) {
  const std::vector<char32_t> characters = code_points(text);
  std::vector<std::string> result;
  uint32_t first = 0;
  for (const uint32_t last : PreTokenizer(**find_pretokenizer(pre)).split(characters)) {
    result.emplace_back();
    for (; first < last; ++first) append_utf8(result.back(), characters[first]);
  }
  return result;
}

struct Case {
  const char* pre;
  const char* text;
  std::vector<std::string> words;
};

TEST(PreTokenizer, CutsAsTheFamilyDoes) {
  const Case cases[] = {
      {"gpt-2",
       "I'm  here, 2024!\n\n x",
       {"I", "'m", " ", " here", ",", " 2024", "!", "\n\n", " x"}},
      {"gpt-2", "don'T  ", {"don", "'", "T", "  "}},
      {"llama-bpe", "don'T 12345 a\r\n b", {"don", "'T", " ", "123", "45", " a", "\r\n", " b"}},
      {"llama-bpe", "f(x)=\n\n\ty", {"f", "(x", ")=\n\n", "\ty"}},
      {"qwen2", "x 42", {"x", " ", "4", "2"}},
      {"qwen35", "e\xCC\x81t", {"e\xCC\x81t"}},
      {"deepseek-llm", "hi 中文\nok 12 ", {"hi", " ", "中文", "\n", "ok", " ", "12", " "}},
      {"deepseek-coder", "a+1  \n", {"a", "+", "1", "  ", "\n"}},
      {"deepseek-v3", "x1234 +y漢字", {"x", "123", "4", " +", "y", "漢字"}},
      {"gpt-4o", "camelCase HTTPServer's", {"camel", "Case", " HTTPServer's"}},
      {"tekken", "camelCase99", {"camel", "Case", "9", "9"}},
      {"smollm", "a 12", {"a", " ", "1", "2"}},
  };
  for (const Case& c : cases) EXPECT_EQ(words(c.pre, c.text), c.words) << c.pre << ": " << c.text;
}

// PCRE2 alone would differ here: U+180E is no space, U+31350 (Unicode 15) is a letter.
TEST(PreTokenizer, KnowsCurrentUnicode) {
  EXPECT_EQ(words("gpt-2", "a\u180Eb").size(), 3U);
  EXPECT_EQ(words("gpt-2", "a\U00031350b").size(), 1U);
  EXPECT_EQ(words("gpt-2", "a\u2003b"), (std::vector<std::string>{"a", "\u2003", "b"}));
}

TEST(PreTokenizer, EveryFamilyKeepsAllTextAndIsLinear) {
  const char* units[] = {"a", " ", "\n", "!", "1", "中", "Ab", " \t", "'s", "\u0301"};
  for (const PreTokenizerSpec& spec : pretokenizers()) {
    const PreTokenizer splitter(spec);
    EXPECT_TRUE(splitter.split({}).empty());
    for (const char* unit : units) {
      std::vector<char32_t> text;
      const std::vector<char32_t> part = code_points(unit);
      while (text.size() < (test::kSanitized ? 20'000 : 200'000))
        text.insert(text.end(), part.begin(), part.end());
      text.push_back(U'x');
      const std::vector<uint32_t> ends = splitter.split(text);
      EXPECT_TRUE(std::is_sorted(ends.begin(), ends.end(), std::less_equal<>()));
      EXPECT_EQ(ends.back(), text.size()) << spec.names[0] << " " << unit;
    }
  }
}

TEST(PreTokenizer, NamesTheUnknownOne) {
  const auto result = find_pretokenizer("gpt-9");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::Unsupported);
  EXPECT_EQ(result.error().message,
            "tokenizer: pre-tokenizer \"gpt-9\" is not known; a newer build may know it");
}

}  // namespace
}  // namespace verge::text
