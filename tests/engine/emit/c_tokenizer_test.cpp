#include <verge/engine/emit/c_tokenizer.hpp>
#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/text_model.hpp>

#include "../text/small_vocabularies.hpp"
#include "c_text.hpp"

namespace verge::emit {
namespace {

using text::TokenType;
using text::Vocabulary;

constexpr const char* kFunctions = R"(
extern long encoded(const unsigned char *text, long length, int32_t *out);
extern long piece(int32_t token, const unsigned char **text, int *has_marks);
extern int ends(int32_t token);
extern int is_too_long(long length, long tokens);
long encoded(const unsigned char *text, long length, int32_t *out) {
  return encode(text, length, out);
}
long piece(int32_t token, const unsigned char **text, int *has_marks) {
  return piece_of(token, text, has_marks);
}
int ends(int32_t token) { return is_end(token); }
int is_too_long(long length, long tokens) { return exceeds(length, tokens); }
void of_no_use(long value) { print_integer(value); }
)";

Vocabulary sentence_pieces() {
  Vocabulary vocabulary = text::sentencepiece_vocabulary({"th",
                                                          "he",
                                                          "\xe2\x96\x81t",
                                                          "the",
                                                          "\xe2\x96\x81the",
                                                          "\xe2\x96\x81\xe2\x96\x81",
                                                          "on",
                                                          "don",
                                                          "23",
                                                          "a\xe2\x96\x81\x62",
                                                          "\xc3\xa9",
                                                          "a",
                                                          "b",
                                                          "t",
                                                          "h",
                                                          "e",
                                                          "\xe2\x96\x81",
                                                          "o",
                                                          "n",
                                                          "d",
                                                          "2",
                                                          "3",
                                                          "!",
                                                          "?!",
                                                          "\n"});
  vocabulary.scores[259] = vocabulary.scores[260];  // equal ones: the first place
  return vocabulary;
}

Vocabulary byte_pairs(const std::string& pre) {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  for (int byte = 0; byte < 250; ++byte) {  // some bytes have no token
    text::add_token(vocabulary, text::to_byte_alphabet(std::string(1, static_cast<char>(byte))),
                    TokenType::Normal);
  }
  for (const char* rule : {"t h", "th e", "h e", "Ġ th", "Ġ the", "Ġ Ġ", "2 3", "' s", "o n",
                           "d on", "a b", "Ã ©", "Ġth e"}) {
    std::string joined(rule);
    joined.erase(joined.find(' '), 1);
    if (std::ranges::count(vocabulary.tokens, joined) == 0) {
      text::add_token(vocabulary, joined, TokenType::Normal);
    }
    vocabulary.merges.push_back(rule);
  }
  text::add_token(vocabulary, "don'", TokenType::Normal);  // a whole word that no merges lead to
  text::add_token(vocabulary, "4567", TokenType::Normal);
  text::add_token(vocabulary, "<|end|>", TokenType::Control);
  vocabulary.eos = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  return vocabulary;
}

void expect_same(Vocabulary vocabulary, const std::vector<std::string>& more = {}) {
  SCOPED_TRACE(vocabulary.model + " " + vocabulary.pre);
  const auto tokenizer = text::make_tokenizer(std::move(vocabulary));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const auto code = c_tokenizer(**tokenizer);
  ASSERT_TRUE(code) << code.error().message;
  CText module(fmt::format("{}{}{}", kPrinting, *code, kFunctions));
  auto* exceeds = module.function<int(long, long)>("is_too_long");
  auto* encode = module.function<long(const char*, long, int32_t*)>("encoded");
  for (const std::string& text : hard_texts(3000, more)) {
    std::vector<int32_t> found(4 * text.size() + 8);
    found.resize(
        static_cast<size_t>(encode(text.data(), static_cast<long>(text.size()), found.data())));
    ASSERT_EQ(found, (*tokenizer)->encode(text)) << testing::PrintToString(text);
    const auto size = static_cast<long>(text.size()), count = static_cast<long>(found.size());
    EXPECT_FALSE(exceeds(size, count)) << testing::PrintToString(text);
  }
  auto* piece = module.function<long(int32_t, const char**, int*)>("piece");
  auto* ends = module.function<int(int32_t)>("ends");
  for (int32_t token = -1; token < (*tokenizer)->size() + 64; ++token) {  // padded, too
    const char* bytes = nullptr;
    int has_marks = 0;
    const long size = piece(token, &bytes, &has_marks);
    std::string text = size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
    if (has_marks != 0) text = text::without_space_marks(text);
    EXPECT_EQ(text, (*tokenizer)->decode({&token, 1}, {.starts_text = false})) << token;
    EXPECT_EQ(ends(token) != 0, (*tokenizer)->is_end(token)) << token;
  }
}

TEST(CTokenizer, SentencePieceGivesTheSameTokens) {
  expect_same(sentence_pieces());
  Vocabulary plain = sentence_pieces();
  plain.add_space_prefix = false;
  plain.add_bos = false;
  plain.add_eos = true;
  expect_same(plain);
}

TEST(CTokenizer, TokensOfTheUserComeFirst) {
  Vocabulary vocabulary = sentence_pieces();
  for (const char* own : {"<tool>", "<tool>!", "the the", "\xe2\x96\x81x"}) {
    text::add_token(vocabulary, own, TokenType::UserDefined);
    if (own == std::string("<tool>")) {
      vocabulary.strips_after.push_back(static_cast<int32_t>(vocabulary.tokens.size()) - 1);
    }
  }
  expect_same(vocabulary, {"<tool>", "<tool>!", "<tool> ", "the the", "\xe2\x96\x81x", "<to"});
}

// Each begins the text behind it anew, with a mark that is three bytes without a token.
TEST(CTokenizer, ShortTokensOfTheUserMakeTheMostTokens) {
  Vocabulary vocabulary = sentence_pieces();
  for (std::string& token : vocabulary.tokens) {
    while (token.find(text::kSpaceMark) != std::string::npos) {
      token.replace(token.find(text::kSpaceMark), text::kSpaceMark.size(), "__");
    }
  }
  text::add_token(vocabulary, "%", TokenType::UserDefined);
  std::string text;
  for (int i = 0; i < 500; ++i) text += "%\x01";
  expect_same(vocabulary, {"%", text});
  const auto tokens = (**text::make_tokenizer(vocabulary)).encode(text);
  EXPECT_GT(tokens.size(), 2 * text.size());
}

TEST(CTokenizer, TokensOfTheUserAreWholeWordsByTheirBytes) {
  Vocabulary vocabulary = byte_pairs("llama-bpe");
  vocabulary.ignore_merges = true;
  text::add_token(vocabulary, "\xc4\xa0of", TokenType::UserDefined);  // " of" in the alphabet
  text::add_token(vocabulary, "of", TokenType::Normal);
  const auto id = static_cast<int32_t>(vocabulary.tokens.size()) - 2;
  EXPECT_EQ((**text::make_tokenizer(vocabulary)).encode("a of").back(), id);
  expect_same(vocabulary, {" of", "of", "\xc4\xa0of", "a of the"});
}

TEST(CTokenizer, BytesWithoutTokensAndMergesAreTheUnknownToken) {
  Vocabulary vocabulary = byte_pairs("gpt-2");
  vocabulary.merges.clear();
  expect_same(vocabulary);
  vocabulary.unk = 7;
  expect_same(vocabulary);
}

// Where words merge alone and where they do not; no test of time, but a minute if it were squared.
TEST(CTokenizer, LongTextsAndThoseThatAreTooLong) {
  for (const bool is_apart : {true, false}) {
    Vocabulary vocabulary = sentence_pieces();
    if (is_apart)
      std::erase(vocabulary.tokens,
                 "a\xe2\x96\x81"
                 "b");
    vocabulary.types.resize(vocabulary.tokens.size());
    vocabulary.scores.resize(vocabulary.tokens.size());
    ASSERT_EQ(text::words_are_apart(vocabulary), is_apart);
    std::string text;
    for (int i = 0; i < (is_apart ? 50000 : 300); ++i) text += "the don  ";
    const auto tokenizer = text::make_tokenizer(vocabulary).value();
    CText module(fmt::format("{}{}{}", kPrinting, c_tokenizer(*tokenizer).value(), kFunctions));
    std::vector<int32_t> found(4 * text.size() + 8);
    found.resize(static_cast<size_t>(module.function<long(const char*, long, int32_t*)>("encoded")(
        text.data(), static_cast<long>(text.size()), found.data())));
    EXPECT_EQ(found, tokenizer->encode(text));
    auto* exceeds = module.function<int(long, long)>("is_too_long");
    EXPECT_EQ(exceeds(6 * 100, 100), 0);  // of the longest, "\u2581the" and "\u2581\u2581"
    EXPECT_EQ(exceeds(6 * 100 + 1, 100), 1);
  }
}

TEST(CTokenizer, BytePairsGiveTheSameTokens) {
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "smollm"}) {
    Vocabulary vocabulary = byte_pairs(pre);
    if (pre == std::string("qwen2")) vocabulary.unk = 7;
    if (pre == std::string("llama-bpe")) vocabulary.bos = 3;
    expect_same(vocabulary);
  }
}

TEST(CTokenizer, OthersAreRefused) {
  Vocabulary vocabulary = byte_pairs("bloom");
  const auto words = c_tokenizer(**text::make_tokenizer(vocabulary));
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().code, Code::Unsupported);
  vocabulary.model = "gemma4";
  vocabulary.merges.clear();
  const auto model = c_tokenizer(**text::make_tokenizer(vocabulary));
  ASSERT_FALSE(model);
  EXPECT_NE(model.error().message.find("\"gemma4\""), std::string::npos) << model.error().message;
}

}  // namespace
}  // namespace verge::emit
