#pragma once
// Detokenizer: tokens to text, one at a time, for showing a generation while it runs.

#include <cstdint>
#include <string>

#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {

/// One stream of text. Every string it returns is valid UTF-8 made of whole characters: the bytes
/// of an unfinished one wait for the next token. All strings together are decode() of all tokens,
/// with U+FFFD for what is not UTF-8. Keeps a reference to the tokenizer.
class Detokenizer {
 public:
  /// `options.starts_text`: false when the tokens continue a prompt, where a space is a space.
  explicit Detokenizer(const Tokenizer& tokenizer, DecodeOptions options = {});

  /// The text that `token` completes.
  std::string push(int32_t token);
  /// The rest, at the end of the stream: U+FFFD if bytes of a character were still missing.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  DecodeOptions options_;
  std::string held_;
};

}  // namespace verge::text
