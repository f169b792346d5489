#pragma once
// Tokenizer: text to tokens and back, as the model's file says.
//
//   VERGE_TRY(auto tokenizer, make_tokenizer(std::move(vocabulary)));
//   std::vector<int32_t> prompt = tokenizer->encode("Once upon a time");
//   std::string text = tokenizer->decode(prompt);

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/special_tokens.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

struct EncodeOptions {
  bool add_special = true;     // bos and eos, if the vocabulary wants them
  bool parse_special = false;  // "<|im_end|>" in the text is the token: for templates, never for
                               // what a user typed
};

struct DecodeOptions {
  bool show_special = false;  // control tokens as their text, instead of nothing
  bool starts_text = true;    // drop the space that encode() put before the first word
};

/// Immutable once made: threads may share it.
class Tokenizer {
 public:
  Tokenizer(Vocabulary vocabulary, std::unique_ptr<TextModel> model);

  /// The tokens of `text`, which may be any bytes up to 2 GiB. Identical to llama.cpp's
  /// llama_tokenize(), except that ordinary text never becomes a control token. Byte-level models
  /// see an invalid byte as U+FFFD; "llama" models keep it.
  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;

  /// The bytes of `tokens`: valid UTF-8 only if the tokens are; see Detokenizer for streams. Ids
  /// outside the vocabulary are nothing.
  std::string decode(std::span<const int32_t> tokens, DecodeOptions options = {}) const;

  /// The bytes of one token, of a control token its text; empty for an id outside the vocabulary.
  std::string_view piece(int32_t token) const;

  /// Whether this token shows up only when asked for: Control or Unknown.
  bool is_special(int32_t token) const;
  /// Whether a generation ends here.
  bool is_end(int32_t token) const;

  int32_t size() const { return static_cast<int32_t>(pieces_.size()); }
  /// The vocabulary as checked().
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
  std::unique_ptr<TextModel> model_;
  std::vector<std::string> pieces_;
  std::vector<int32_t> ends_;
  SpecialTokens user_defined_;
  SpecialTokens all_special_;
};

/// Malformed or Unsupported as checked() says, or if merges are broken.
Result<std::unique_ptr<Tokenizer>> make_tokenizer(Vocabulary vocabulary);

}  // namespace verge::text
