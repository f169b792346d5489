#pragma once
// What the fuzzers of grammars share: a small vocabulary, and a random walk by masks.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>

namespace verge::text {

inline std::shared_ptr<const TokenTrie> fuzz_trie() {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  const auto add = [&](std::string text, TokenType type) {
    vocabulary.tokens.push_back(std::move(text));
    vocabulary.types.push_back(static_cast<int32_t>(type));
    vocabulary.scores.push_back(0);
  };
  add("</s>", TokenType::Control);
  vocabulary.eos = 0;
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), TokenType::Byte);
  for (const char* piece : {"ab", "aa", "}}", "\"}", "{\"", "\":", "[[", "12", "true", "é€",
                            "abababab", "\\u00", "\",\"", "null", "]]]"}) {
    add(piece, TokenType::Normal);
  }
  return TokenTrie::build(**make_tokenizer(std::move(vocabulary)));
}

/// Up to 12 tokens that masks allow; every one must leave something alive. The text if it is whole.
inline std::string walk_masks(const std::shared_ptr<const Grammar>& grammar,
                              const std::shared_ptr<const TokenTrie>& trie, uint64_t seed) {
  grammar::TokenMasks masks(grammar, trie, 1 << 16);
  grammar::Position position = masks.begin();
  Rng rng(seed);
  std::string text;
  std::vector<uint64_t> bits(static_cast<size_t>(trie->size() + 63) / 64);
  for (int step = 0; step < 12; ++step) {
    masks.mask(position, false, bits);
    std::vector<int32_t> allowed;
    for (int32_t token = 0; token < trie->size(); ++token) {
      const bool is_allowed = bits[token / 64] >> (token % 64) & 1;
      if (is_allowed && !trie->is_end(token)) allowed.push_back(token);
    }
    if (allowed.empty()) break;
    const int32_t token = allowed[rng.below(static_cast<uint32_t>(allowed.size()))];
    text += trie->piece(token);
    position = masks.advance(position, trie->piece(token));
    VERGE_CHECK(position.alive() || masks.overflowed());
    if (!position.alive()) return {};
  }
  return position.complete ? text : std::string();
}

}  // namespace verge::text
