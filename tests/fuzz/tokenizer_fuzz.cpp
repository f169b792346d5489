// Any bytes as text, as a token stream, and as parts of a vocabulary.

#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/detokenizer.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/tokenizer.hpp>
#include <verge/engine/text/tokenizer_json.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

void add_token(Vocabulary& vocabulary, std::string text, TokenType type) {
  vocabulary.tokens.push_back(std::move(text));
  vocabulary.types.push_back(static_cast<int32_t>(type));
}

Vocabulary all_bytes() {
  Vocabulary vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    const char value = static_cast<char>(byte);
    add_token(vocabulary, to_byte_alphabet({&value, 1}), TokenType::Normal);
  }
  add_token(vocabulary, "<|im_end|>", TokenType::Control);
  return vocabulary;
}

std::vector<std::unique_ptr<Tokenizer>> make_tokenizers() {
  std::vector<std::unique_ptr<Tokenizer>> tokenizers;
  for (const PreTokenizerSpec& spec : pretokenizers()) {
    Vocabulary vocabulary = all_bytes();
    vocabulary.model = "gpt2";
    vocabulary.pre = spec.names[0];
    for (const char* merge : {"a b", "Ġ a", "ab ab", "Ġ Ġ", "Ã ©", "Ċ Ċ"}) {
      vocabulary.merges.emplace_back(merge);
      std::string joined = merge;
      add_token(vocabulary, joined.erase(joined.find(' '), 1), TokenType::Normal);
    }
    tokenizers.push_back(std::move(make_tokenizer(std::move(vocabulary))).value());
  }
  return tokenizers;
}

/// A byte-level tokenizer gives its text back, with U+FFFD for what is not UTF-8.
void check_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  std::string expected;
  for (const char32_t c : code_points(text)) append_utf8(expected, c);
  const std::vector<int32_t> ids = tokenizer.encode(text);
  VERGE_CHECK(tokenizer.decode(ids) == expected);
  Detokenizer detokenizer(tokenizer);
  std::string streamed;
  for (const int32_t id : ids) {
    VERGE_CHECK(!tokenizer.is_special(id), id);
    streamed += detokenizer.push(id);
  }
  VERGE_CHECK(streamed + detokenizer.flush() == repaired_utf8(expected));
}

/// Lines of the input become tokens and merges of every type; whatever is accepted must work.
void use_as_vocabulary(std::string_view bytes) {
  if (bytes.empty()) return;
  Vocabulary vocabulary = all_bytes();
  vocabulary.model = bytes[0] % 3 == 0 ? "llama" : (bytes[0] % 3 == 1 ? "gpt2" : "gemma4");
  vocabulary.pre = "gpt-2";
  const std::string_view text = bytes;
  for (size_t i = 1; !bytes.empty() && i < 64; ++i) {
    const std::string line(bytes.substr(0, bytes.find('\n')));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    if (line.find(' ', 1) != std::string::npos) {
      vocabulary.merges.push_back(line);
    } else {
      add_token(vocabulary, line, static_cast<TokenType>(i % 7));
      vocabulary.scores.resize(vocabulary.tokens.size(), static_cast<float>(i % 5));
    }
  }
  vocabulary.scores.resize(vocabulary.tokens.size());
  const auto tokenizer = make_tokenizer(std::move(vocabulary));
  if (!tokenizer) return;
  for (const bool parse_special : {false, true}) {
    const auto ids = (*tokenizer)->encode(text, {.parse_special = parse_special});
    for (const int32_t id : ids) VERGE_CHECK(id >= 0 && id < (*tokenizer)->size(), id);
    (*tokenizer)->decode(ids);
  }
}

}  // namespace
}  // namespace verge::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizers = verge::text::make_tokenizers();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  verge::text::check_round_trip(*tokenizers[data[0] % tokenizers.size()], bytes.substr(1));
  verge::text::use_as_vocabulary(bytes);
  if (auto vocabulary = verge::text::vocabulary_from_tokenizer_json(bytes); vocabulary.ok()) {
    (void)verge::text::make_tokenizer(std::move(vocabulary).value()).ok();
  }
  return 0;
}
