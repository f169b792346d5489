#include <verge/engine/emit/c_words.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/utf8.hpp>

#include "c_text.hpp"

namespace verge::emit {
namespace {

constexpr const char* kWordEnd =
    "extern long find_end(const uint32_t *c, long at, long end);\n"
    "long find_end(const uint32_t *c, long at, long end) { return word_end(c, at, end); }\n";

// Words end where the expressions' own engine ends them.
void expect_words(const char* pre) {
  SCOPED_TRACE(pre);
  const auto code = c_words(pre);
  ASSERT_TRUE(code) << code.error().message;
  CText module(*code + kWordEnd);
  auto* find_end = module.function<long(const char32_t*, long, long)>("find_end");
  ASSERT_NE(find_end, nullptr);
  const text::PreTokenizer splitter(**text::find_pretokenizer(pre));
  std::vector<std::vector<char32_t>> texts;
  for (const std::string& text : hard_texts(3000)) texts.push_back(text::code_points(text));
  // Every character, between letters and alone.
  for (char32_t first = 1; first < text::kMaxCodePoint; first += 4096) {
    std::vector<char32_t> run;
    for (char32_t c = first; c < std::min<char32_t>(first + 4096, text::kMaxCodePoint); ++c) {
      run.insert(run.end(), {c, c % 3 == 0 ? U'a' : c % 3 == 1 ? U' ' : U'7'});
    }
    texts.push_back(std::move(run));
  }
  for (const auto& text : texts) {
    std::vector<uint32_t> ends;
    const auto size = static_cast<long>(text.size());
    for (long at = 0; at < size;) {
      const long end = find_end(text.data(), at, size);
      ASSERT_GT(end, at);
      ends.push_back(static_cast<uint32_t>(at = end));
    }
    ASSERT_EQ(ends, splitter.split(text));
  }
}

TEST(CWords, EndWhereTheExpressionsEndThem) {
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "smollm"}) expect_words(pre);
}

TEST(CWords, OthersAreRefused) {
  const auto code = c_words("deepseek-llm");
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, Code::Unsupported);
  EXPECT_NE(code.error().message.find("\"deepseek-llm\""), std::string::npos);
  EXPECT_NE(code.error().message.find("llama-bpe"), std::string::npos);
  EXPECT_TRUE(c_words("phi-2"));  // another name of gpt-2
}

}  // namespace
}  // namespace verge::emit
