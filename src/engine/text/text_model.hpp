#pragma once
// TextModel: what turns ordinary text, with special tokens already taken out, into tokens. One
// class for each way of doing it; Tokenizer chooses by the vocabulary's `model`.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

/// Immutable once made: threads may share it. Does not keep the Vocabulary it was made from.
class TextModel {
 public:
  virtual ~TextModel() = default;

  /// Appends the tokens of `text`. `starts`: it is the first text, or follows a special token.
  virtual void encode(std::string_view text, bool starts, std::vector<int32_t>& out) const = 0;

  /// The bytes that a token of the type Normal stands for.
  virtual std::string bytes_of(std::string_view token) const = 0;
};

/// Models by their name in the file: "gpt2", "gemma4", "llama". The vocabulary must be checked().
Result<std::unique_ptr<TextModel>> make_byte_bpe(const Vocabulary& vocabulary);
Result<std::unique_ptr<TextModel>> make_character_bpe(const Vocabulary& vocabulary);
Result<std::unique_ptr<TextModel>> make_sentencepiece(const Vocabulary& vocabulary);

/// Whether ordinary text may become this token: not Control, Unknown or Byte.
bool comes_from_text(const Vocabulary& vocabulary, size_t token);

/// The value of a token like "<0x0A>", or -1.
int byte_token_value(std::string_view token);

/// Tokens for bytes of text that has none: "<0x0A>", else the byte itself, else unk (or -1).
std::vector<int32_t> byte_fallback(const Vocabulary& vocabulary);

/// Tokens for bytes of byte-level BPE: the one that stands for the byte alone, or -1.
std::vector<int32_t> byte_alphabet_tokens(const Vocabulary& vocabulary);

/// U+2581, which stands for a space in SentencePiece vocabularies.
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
std::string with_space_marks(std::string_view text);
/// Whether no token of text holds a space after something else, so that words merge alone.
bool words_are_apart(const Vocabulary& vocabulary);
std::string without_space_marks(std::string_view text);

}  // namespace verge::text
