#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>

#include "grammars.hpp"
#include "random_rules.hpp"
#include "sanitized.hpp"
#include "vocabularies.hpp"

namespace verge::text::grammar {
namespace {

std::vector<uint64_t> mask_of(TokenMasks& masks, const Position& position, bool first = false) {
  std::vector<uint64_t> bits(static_cast<size_t>(masks.trie().size()) / 64 + 2, ~uint64_t{0});
  masks.mask(position, first, bits);
  return bits;
}

/// Random texts of the grammar, token by token; before each token, every bit of the mask is what
/// the recognizer alone says of the text with that token.
int check_masks(const std::shared_ptr<const Grammar>& grammar,
                const std::shared_ptr<const TokenTrie>& trie, uint64_t seed, size_t cache_bytes) {
  TokenMasks masks(grammar, trie, cache_bytes);
  Rng rng(seed);
  int compared = 0;
  for (int walk = 0; walk < 4; ++walk) {
    std::string text;
    Position position = masks.begin();
    for (int step = 0; step < 12 && position.alive(); ++step) {
      const std::vector<uint64_t> bits = mask_of(masks, position);
      Recognizer oracle(grammar->automaton());
      const Position before = oracle.advance(oracle.begin(), text);
      std::vector<int32_t> allowed;
      for (int32_t token = 0; token < trie->size(); ++token) {
        const std::string_view piece = trie->piece(token);
        const bool expected = trie->is_end(token)
                                  ? before.complete
                                  : !piece.empty() && oracle.advance(before, piece).alive();
        if (oracle.overflowed() || masks.overflowed()) return compared;
        EXPECT_EQ(bit(bits, token), expected) << seed << " '" << text << "' + '" << piece << "'";
        if (expected && !piece.empty()) allowed.push_back(token);
        ++compared;
      }
      for (size_t token = trie->size(); token < bits.size() * 64; ++token) {
        EXPECT_FALSE(bit(bits, static_cast<int32_t>(token)));
      }
      if (allowed.empty()) break;
      const int32_t token = allowed[rng.below(static_cast<uint32_t>(allowed.size()))];
      text += trie->piece(token);
      position = masks.advance(position, trie->piece(token));
    }
  }
  return compared;
}

TEST(TokenMasks, BitsAreWhatTheRecognizerSays) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  const std::shared_ptr<const Grammar> grammars[] = {
      Grammar::any_json(),
      Grammar::json_object(),
      gbnf("root ::= [^\"\\\\]* \"!\""),
      gbnf("root ::= \"a\"{0,5} | \"ab\"+ [ü€]?"),
      gbnf("root ::= \"{\" root \"}\" | \"[\" root* \"]\" | \"1\"*"),
      gbnf("root ::= x*\nx ::= y* \"b\"?\ny ::= z*\nz ::= \"x\"? \"a\"?"),
      gbnf("root ::= ([^a] | \"ab\")*"),
      gbnf("root ::= .{3,20}"),
      schema(R"({"type":"array","items":{"type":"object","properties":{"a":{"type":"string"},
                "b":{"type":"integer"}},"required":["a"]}})"),
      schema(R"({"type":"string","maxLength":6})"),
      schema(R"({"type":"string","minLength":14,"maxLength":18})"),
      schema(R"({"type":"string","format":"email"})"),
      gbnf("root ::= [a-z]{0,9} x\nx ::= \"b\" [a-zA-Z]{0,3} \"1\"?"),
      schema(R"({"anyOf":[{"enum":["ab","abab",1,12]},{"type":"string","pattern":"^a+b$"}]})"),
  };
  for (const auto& grammar : grammars) {
    EXPECT_GT(check_masks(grammar, trie, 1, size_t{1} << 20), 300);
    check_masks(grammar, trie, 2, 1);  // nothing is kept
  }
}

TEST(TokenMasks, BitsOfRandomGrammarsAreWhatTheRecognizerSays) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  const char* parts[] = {"\"a\"",       "[ab]", "x",      "y*",     "(x | \"b\")",
                         "\"ab\"{0,3}", "z?",   "[^\\n]", ".{0,2}", "(\"ab\" | \"a\" y)+"};
  Rng rng(3);
  const auto part = [&] { return std::string(parts[rng.below(10)]); };
  constexpr int kRounds = test::kSanitized ? 8 : 40;
  int compared = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string text = "root ::= \"a\"? x y z\n";
    for (const char* rule : {"x", "y", "z"}) {
      text +=
          fmt::format("{} ::= [a-c ] {} {} | \"b\" {} | \"}}\"\n", rule, part(), part(), part());
    }
    const auto grammar = Grammar::from_gbnf(text);
    if (grammar) compared += check_masks(*grammar, trie, round, size_t{1} << 20);
  }
  EXPECT_GT(compared, 250 * kRounds);
}

TEST(TokenMasks, BytesCountTheGrammarAndWhatPositionsHold) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  std::string fields;
  for (int i = 0; i < 200; ++i)
    fields += fmt::format(R"({}"f{}":{{"enum":["a{}"]}})", i > 0 ? "," : "", i, i);
  const auto large = schema(R"({"type":"object","properties":{)" + fields + "}}");
  const size_t states = static_cast<size_t>(large->automaton().size());
  EXPECT_GT(TokenMasks(large, trie).bytes(), states * 12) << "nothing is found out yet";
  const auto nested = gbnf("root ::= \"[\" root \"z\" | \"a\"");
  const auto bytes_at = [&](size_t depth) {
    TokenMasks masks(nested, trie);
    const Position position = masks.advance(masks.begin(), std::string(depth, '['));
    const size_t before = masks.bytes();
    mask_of(masks, position);
    return masks.bytes() - before;
  };
  EXPECT_GT(bytes_at(5000), bytes_at(10) + 4000 * sizeof(Frame));
}

// Repeating a position must not depend on whether its mask was kept.
TEST(TokenMasks, KeptMasksAreTheSame) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  TokenMasks small(Grammar::any_json(), trie, 1), large(Grammar::any_json(), trie);
  const std::string text = R"({"a": [1, {"ab": "ü"}], "b": [[true]]})";
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i <= text.size(); ++i) {
      const std::string_view begin = std::string_view(text).substr(0, i);
      EXPECT_EQ(mask_of(small, small.advance(small.begin(), begin)),
                mask_of(large, large.advance(large.begin(), begin)));
    }
  }
}

// "▁{" begins a text as "{": the space in front of a text's first word is none.
TEST(TokenMasks, FirstTokenLosesItsSpace) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  const auto grammar = gbnf("root ::= \"{\" [a ]*");
  TokenMasks masks(grammar, trie);
  const Position begin = masks.begin();
  const auto first = mask_of(masks, begin, true), later = mask_of(masks, begin, false);
  for (int32_t token = 0; token < trie->size(); ++token) {
    std::string_view piece = trie->piece(token);
    EXPECT_EQ(bit(later, token), !piece.empty() && grammar->matches_prefix(piece)) << piece;
    const bool usable = !piece.empty();
    if (piece.starts_with(' ')) piece.remove_prefix(1);
    EXPECT_EQ(bit(first, token), usable && grammar->matches_prefix(piece)) << piece;
  }
}

TEST(TokenMasks, TokensThatNestTooDeepAreNotAllowed) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  const auto grammar = gbnf("root ::= \"[\" root \"z\" | \"a\"");
  TokenMasks masks(grammar, trie);
  Position position = masks.advance(masks.begin(), std::string(9980, '['));
  ASSERT_TRUE(position.alive());
  bool alive = true;
  for (int step = 0; step < 40 && alive; ++step) {
    const auto bits = mask_of(masks, position);
    for (int32_t token = 0; token < trie->size(); ++token) {
      if (trie->is_end(token) || trie->piece(token).empty()) continue;
      Recognizer oracle(grammar->automaton());
      const bool expected = oracle.advance(position, trie->piece(token)).alive();
      EXPECT_EQ(bit(bits, token), expected) << step << " " << trie->piece(token);
      if (trie->piece(token) == "[") alive = expected;
    }
    if (alive) position = masks.advance(position, "[");
  }
  EXPECT_FALSE(alive);
  EXPECT_FALSE(masks.overflowed());
}

// With little memory for sets, a mask is whole or the masks say that it is not.
TEST(TokenMasks, MasksAreWholeWhenMemoryRunsOut) {
  const auto tokenizer = awkward_tokenizer();
  const auto trie = TokenTrie::build(*tokenizer);
  TokenMasks large(Grammar::any_json(), trie);
  const std::string text = R"({"a": [1, {"ab": "ü"}], "b": [[true]]})";
  int whole = 0;
  for (size_t bytes = size_t{1} << 12; bytes <= size_t{1} << 24; bytes *= 2) {
    TokenMasks small(Grammar::any_json(), trie, 1, bytes);
    for (size_t i = 0; i <= text.size(); ++i) {
      const Position position = large.advance(large.begin(), std::string_view(text).substr(0, i));
      const auto bits = mask_of(small, position);
      if (small.overflowed()) continue;
      EXPECT_EQ(bits, mask_of(large, position)) << bytes << " " << i;
      ++whole;
    }
  }
  EXPECT_GT(whole, 0);
}

}  // namespace
}  // namespace verge::text::grammar
