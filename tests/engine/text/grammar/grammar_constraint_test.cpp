#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>
#include <verge/engine/text/sampler.hpp>

#include "grammars.hpp"
#include "vocabularies.hpp"

namespace verge::text {
namespace {

class GrammarConstraintTest : public ::testing::Test {
 protected:
  std::vector<uint64_t> mask(TokenConstraint& constraint) const {
    std::vector<uint64_t> bits(static_cast<size_t>(trie->size() + 63) / 64);
    constraint.mask(bits);
    return bits;
  }

  int32_t token(std::string_view piece) const {
    for (int32_t id = 259; id < trie->size(); ++id) {
      if (trie->piece(id) == piece) return id;
    }
    ADD_FAILURE() << piece;
    return -1;
  }

  const std::unique_ptr<Tokenizer> tokenizer = awkward_tokenizer();
  const std::shared_ptr<const TokenTrie> trie = TokenTrie::build(*tokenizer);
};

TEST_F(GrammarConstraintTest, EndsExactlyWhenComplete) {
  const auto answer = constraint(gbnf("root ::= \"a\" \"b\"?"), trie);
  const int32_t end = tokenizer->vocabulary().eos;
  EXPECT_FALSE(bit(mask(*answer), end));
  answer->accept(token("a"));
  EXPECT_TRUE(answer->is_complete());
  EXPECT_FALSE(answer->is_finished());
  EXPECT_TRUE(bit(mask(*answer), end));
  EXPECT_TRUE(bit(mask(*answer), token("b")));
  answer->accept(token("b"));
  EXPECT_TRUE(answer->is_finished());
  EXPECT_TRUE(bit(mask(*answer), end));
  EXPECT_FALSE(bit(mask(*answer), token("b")));
  answer->accept(end);
  EXPECT_TRUE(answer->is_complete());
}

TEST_F(GrammarConstraintTest, ForbiddenTokensLeaveNothing) {
  for (const int32_t wrong : {token("b"), 0, 1, -5, trie->size() + 3}) {
    const auto answer = constraint(gbnf("root ::= \"a\"+"), trie);
    answer->accept(wrong);
    EXPECT_EQ(mask(*answer), std::vector<uint64_t>(mask(*answer).size(), 0)) << wrong;
    EXPECT_FALSE(answer->is_complete());
    answer->accept(token("a"));
    EXPECT_FALSE(answer->is_complete());
  }
}

TEST_F(GrammarConstraintTest, ClonesGoTheirOwnWay) {
  const auto answer = constraint(Grammar::any_json(), trie);
  answer->accept(token("[1,"));
  const auto before = mask(*answer);
  const auto clone = answer->clone();
  clone->accept(token("12"));
  clone->accept(token("]"));
  EXPECT_TRUE(clone->is_finished());
  EXPECT_EQ(mask(*answer), before);
  EXPECT_FALSE(answer->is_complete());
}

TEST_F(GrammarConstraintTest, TheSampledTextStartsWithoutItsSpace) {
  const auto answer = constraint(gbnf("root ::= \"a\""), trie, {.starts_text = true});
  answer->accept(token(" a"));
  EXPECT_TRUE(answer->is_finished());
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{token(" a")}), "a");
  const auto later = constraint(gbnf("root ::= \"a\""), trie);
  later->accept(token(" a"));
  EXPECT_FALSE(later->is_complete());
}

// Masks drive the sampler: whatever the logits, the answer is a text of the grammar.
TEST_F(GrammarConstraintTest, SampledAnswersFollowTheGrammar) {
  const auto grammar = gbnf("root ::= (\"ab\" | \"a\" [0-9]{1,2}){2,3} \"ü\"?");
  auto masks = std::make_shared<grammar::TokenMasks>(grammar, trie);
  Rng rng(4);
  for (int round = 0; round < 100; ++round) {
    auto sampler =
        Sampler::create({.temperature = 2, .seed = static_cast<uint64_t>(round)}, trie->size());
    const auto answer = constraint(masks);
    std::vector<int32_t> tokens;
    while (!answer->is_finished()) {
      std::vector<float> logits(trie->size());
      for (float& logit : logits) logit = rng.normal();
      const auto drawn = sampler->sample(logits, answer.get());
      ASSERT_TRUE(drawn.ok()) << drawn.error().message;
      if (tokenizer->is_end(*drawn)) break;
      tokens.push_back(*drawn);
      answer->accept(*drawn);
    }
    EXPECT_TRUE(grammar->matches(tokenizer->decode(tokens, {.starts_text = false})));
  }
}

TEST_F(GrammarConstraintTest, SaysWhatItIsAndWhatWentWrong) {
  EXPECT_EQ(constraint(gbnf("root ::= \"a\""), trie)->describe(), "the grammar");
  EXPECT_EQ(constraint(schema("{}"), trie)->describe(), "the JSON schema");
  std::string text = "root ::= r0 \"!\"\n";
  for (int i = 0; i < 40; ++i) {
    text += fmt::format("r{} ::= r{} \"a\" | r{} \"b\" | r{} \"c\"\n", i, i + 1, i + 1, i + 1);
  }
  const auto answer = constraint(gbnf(text + "r40 ::= \"1\"\n"), trie);
  answer->accept(token("1"));
  EXPECT_NE(answer->describe().find("too many ways"), std::string::npos);
  auto sampler = Sampler::create({}, trie->size());
  const auto drawn = sampler->sample(std::vector<float>(trie->size()), answer.get());
  ASSERT_FALSE(drawn.ok());
  EXPECT_NE(drawn.error().message.find("the grammar (given up"), std::string::npos);
}

TEST_F(GrammarConstraintTest, CacheKeepsTheLastUsedAndRefusesAsTheReadersDo) {
  using Kind = GrammarCache::Kind;
  GrammarCache cache(trie, 2);
  for (int round = 0; round < 3; ++round) {
    for (const char* text : {"root ::= \"a\"", "root ::= \"b\"", "root ::= \"ab\""}) {
      const auto answer = cache.constraint(Kind::Gbnf, text);
      ASSERT_TRUE(answer.ok());
      const std::string only(text + 10, strlen(text) - 11);
      for (const char* piece : {"a", "b", "ab"}) {
        EXPECT_EQ(bit(mask(**answer), token(piece)), only.starts_with(piece)) << only;
      }
    }
  }
  EXPECT_TRUE(cache.constraint(Kind::JsonObject, "ignored").ok());
  EXPECT_TRUE(cache.constraint(Kind::JsonSchema, "{}").ok());
  EXPECT_EQ(cache.constraint(Kind::Gbnf, "root").error().code, Code::Malformed);
  EXPECT_EQ(cache.constraint(Kind::JsonSchema, "[").error().code, Code::Malformed);
}

TEST_F(GrammarConstraintTest, CacheIsBoundedInBytesAndAnswersOutliveIt) {
  using Kind = GrammarCache::Kind;
  GrammarCache roomy(trie, 8);
  const auto use = [&](GrammarCache& cache, const std::string& text) {
    auto answer = cache.constraint(Kind::Gbnf, "root ::= \"" + text + "\"");
    EXPECT_TRUE(answer.ok());
    EXPECT_TRUE(bit(mask(**answer), token("a")));
    return std::move(*answer);
  };
  use(roomy, "a");
  const size_t one = roomy.bytes();
  EXPECT_GT(one, 0u);
  GrammarCache cache(trie, 8, one * 5 / 2);
  std::vector<std::unique_ptr<TokenConstraint>> answers;
  for (const char* text : {"a", "ab", "a1", "a", "a:"}) answers.push_back(use(cache, text));
  use(cache, "a");
  EXPECT_LE(cache.size(), 3u);
  for (auto& answer : answers) EXPECT_TRUE(bit(mask(*answer), token("a")));
  GrammarCache none(trie, 8, 0);
  use(none, "a");
  use(none, "ab");
  EXPECT_EQ(none.size(), 1u) << "the last used is kept";
}

TEST_F(GrammarConstraintTest, AnswersOnManyThreadsShareTheirMasks) {
  GrammarCache cache(trie, 4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto answer = cache.constraint(GrammarCache::Kind::JsonObject, "");
        for (const char* piece : {"{\"", "a", "\":", "[[", "1", "]]", "}"}) {
          EXPECT_TRUE(bit(mask(**answer), token(piece))) << i << piece;
          (*answer)->accept(token(piece));
        }
        EXPECT_TRUE((*answer)->is_finished());
        EXPECT_GT(cache.bytes(), 0u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace verge::text
