#pragma once
// Vocabularies small enough to follow by hand.

#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

inline void add_token(Vocabulary& vocabulary, std::string text, TokenType type, float score = 0) {
  vocabulary.tokens.push_back(std::move(text));
  vocabulary.types.push_back(static_cast<int32_t>(type));
  vocabulary.scores.push_back(score);
}

/// Byte-level BPE: bytes have their values as ids; 256 and up are what `merges` make, then
/// <|im_start|> and <|im_end|> (control) and <tool> (user-defined).
inline Vocabulary byte_vocabulary(std::vector<std::string> merges, std::string pre = "gpt-2") {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = std::move(pre);
  for (int byte = 0; byte < 256; ++byte) {
    const char value = static_cast<char>(byte);
    add_token(vocabulary, to_byte_alphabet({&value, 1}), TokenType::Normal);
  }
  for (std::string merge : merges) {
    merge.erase(merge.find(' ', 1), 1);
    add_token(vocabulary, merge, TokenType::Normal);
  }
  vocabulary.merges = std::move(merges);
  vocabulary.bos = vocabulary.eos = static_cast<int32_t>(vocabulary.tokens.size());
  add_token(vocabulary, "<|im_start|>", TokenType::Control);
  add_token(vocabulary, "<|im_end|>", TokenType::Control);
  add_token(vocabulary, "<tool>", TokenType::UserDefined);
  return vocabulary;
}

/// SentencePiece: <unk> <s> </s>, 256 bytes, then `pieces`, the first with the highest score.
inline Vocabulary sentencepiece_vocabulary(const std::vector<std::string>& pieces) {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  add_token(vocabulary, "<unk>", TokenType::Unknown);
  add_token(vocabulary, "<s>", TokenType::Control);
  add_token(vocabulary, "</s>", TokenType::Control);
  for (int byte = 0; byte < 256; ++byte) {
    add_token(vocabulary, fmt::format("<0x{:02X}>", byte), TokenType::Byte);
  }
  float score = 0;
  for (const std::string& piece : pieces) {
    add_token(vocabulary, piece, TokenType::Normal, score--);
  }
  return vocabulary;
}

}  // namespace verge::text
