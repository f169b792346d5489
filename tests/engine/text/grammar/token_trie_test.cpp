#include <map>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/token_trie.hpp>
#include <verge/engine/text/utf8.hpp>

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

// What nodes say of the tokens behind them, against those tokens.
TEST(TokenTrie, NodesKnowWhatIsBelow) {
  using grammar::Alphabet;
  const auto tokenizer = tokenizer_of(byte_vocabulary(
      {"a b", "ab ab", "abab abab", "\" a", "Ã ¼", "Ċ a", "Ġ Ġ", "A b", "a Ã", "aÃ ¼", "aÃ¼ b"}));
  const auto trie = TokenTrie::build(*tokenizer);
  int known = 0;
  for (const TokenTrie::Segment& segment : trie->segments()) {
    std::vector<std::string> path;
    std::string text;
    for (uint32_t i = segment.begin; i < segment.end; ++i) {
      const TokenTrie::Node& node = trie->nodes()[i];
      text.resize(node.depth - 1);
      text.push_back(static_cast<char>(node.byte));
      if (node.below_characters == 0) continue;
      ++known;
      ASSERT_GT(segment.most_characters, 0);
      size_t most = 0;
      auto alphabet = Alphabet::None;
      for (uint32_t j = i + 1; j < node.subtree_end; ++j) {
        if (trie->nodes()[j].token < 0) continue;
        const std::string rest(trie->piece(trie->nodes()[j].token).substr(text.size()));
        const auto characters = code_points(rest);
        most = std::max(most, characters.size());
        for (const char32_t c : characters) alphabet = std::max(alphabet, grammar::alphabet_of(c));
      }
      EXPECT_EQ(node.below_characters, most) << text;
      EXPECT_EQ(node.alphabet(), alphabet) << text;
    }
  }
  EXPECT_GT(known, 5);
}

TEST(TokenTrie, PlainTokensAreCountedInCharacters) {
  const auto tokenizer =
      tokenizer_of(byte_vocabulary({"a b", "ab ab", "abab abab", "\" a", "Ã ¼"}));
  const auto trie = TokenTrie::build(*tokenizer);
  const auto most_of = [&](std::string_view piece) {  // the least number it is counted under
    for (int32_t token = 0; token < tokenizer->size(); ++token) {
      if (trie->piece(token) != piece) continue;
      for (int most = 0; most <= TokenTrie::kMostPlain; ++most) {
        if (trie->plain_tokens(most)[token / 64] >> (token % 64) & 1) return most;
      }
    }
    return -1;
  };
  EXPECT_EQ(most_of("a"), 1);
  EXPECT_EQ(most_of("ü"), 1);
  EXPECT_EQ(most_of("ab"), 2);
  EXPECT_EQ(most_of("abababab"), 8);
  EXPECT_EQ(most_of("\"a"), -1);
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
