#include <map>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/token_trie.hpp>

#include "../small_vocabularies.hpp"

namespace verge::text {
namespace {

std::unique_ptr<Tokenizer> tokenizer_of(Vocabulary vocabulary) {
  auto tokenizer = make_tokenizer(std::move(vocabulary));
  EXPECT_TRUE(tokenizer.ok());
  return std::move(tokenizer).value();
}

/// Pieces read from the trie's nodes: bytes to tokens.
std::map<std::string, std::vector<int32_t>> pieces_of(const TokenTrie& trie) {
  std::map<std::string, std::vector<int32_t>> pieces;
  std::string path;
  for (size_t i = 0; i < trie.nodes().size(); ++i) {
    const TokenTrie::Node& node = trie.nodes()[i];
    path.resize(node.depth - 1);
    path.push_back(static_cast<char>(node.byte));
    EXPECT_GT(node.subtree_end, i);
    for (int32_t token = node.token; token >= 0; token = trie.next_alike(token)) {
      pieces[path].push_back(token);
    }
  }
  return pieces;
}

TEST(TokenTrie, HoldsEveryPieceOnceAndNoControlToken) {
  Vocabulary vocabulary = sentencepiece_vocabulary(
      {"▁hello", "hell", "hello", "\"a\":", "ü", "▁", "\\", "aaaa▁bbbb▁c", "a"});
  add_token(vocabulary, "unused", TokenType::Unused);
  add_token(vocabulary, "<tool>", TokenType::UserDefined);
  const auto tokenizer = tokenizer_of(std::move(vocabulary));
  const auto trie = TokenTrie::build(*tokenizer);
  std::map<std::string, std::vector<int32_t>> expected;
  for (int32_t token = 0; token < tokenizer->size(); ++token) {
    const bool left_out = tokenizer->is_special(token) || tokenizer->is_end(token) ||
                          tokenizer->piece(token) == "unused";
    if (!left_out) expected[std::string(tokenizer->piece(token))].push_back(token);
    EXPECT_EQ(trie->piece(token), left_out ? "" : tokenizer->piece(token)) << token;
  }
  EXPECT_EQ(pieces_of(*trie), expected);
  EXPECT_EQ(expected["a"].size(), 2u);  // and its byte
  EXPECT_TRUE(trie->drops_first_space());
  EXPECT_EQ(trie->piece(-1), "");
  EXPECT_EQ(trie->piece(tokenizer->size()), "");
}

TEST(TokenTrie, SegmentsHoldCharactersThatStandForThemselves) {
  const auto tokenizer =
      tokenizer_of(byte_vocabulary({"a b", "ab ab", "abab abab", "\" a", "Ã ¼", "Ċ a", "Ġ Ġ"}));
  const auto trie = TokenTrie::build(*tokenizer);
  ASSERT_EQ(trie->segments().size(), 3u);
  const auto segment_of = [&](std::string_view piece) {
    for (int32_t token = 0; token < tokenizer->size(); ++token) {
      if (trie->piece(token) != piece) continue;
      for (size_t i = 0; i < trie->segments().size(); ++i) {
        if (trie->segments()[i].tokens[token / 64] >> (token % 64) & 1) return i;
      }
    }
    return size_t{99};
  };
  EXPECT_EQ(segment_of("a"), 0u);
  EXPECT_EQ(segment_of("abab"), 0u);
  EXPECT_EQ(segment_of("ü"), 0u);
  EXPECT_EQ(segment_of("  "), 0u);
  EXPECT_EQ(segment_of("abababab"), 1u);
  for (const char* rest : {"\"", "\"a", "\n", "\na", "\\", "\xC3", "\xFF"}) {
    EXPECT_EQ(segment_of(rest), 2u) << rest;
  }
  EXPECT_EQ(segment_of("<|im_end|>"), 99u);
}

TEST(TokenTrie, KnowsWhatEndsAGeneration) {
  const auto tokenizer = tokenizer_of(byte_vocabulary({}));
  const auto trie = TokenTrie::build(*tokenizer);
  ASSERT_FALSE(trie->ends().empty());
  for (int32_t token = 0; token < tokenizer->size(); ++token) {
    EXPECT_EQ(trie->is_end(token), tokenizer->is_end(token)) << token;
  }
  EXPECT_FALSE(trie->drops_first_space());
}

}  // namespace
}  // namespace verge::text
