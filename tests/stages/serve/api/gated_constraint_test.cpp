#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/stages/serve/api/gated_constraint.hpp>

#include "tiny_tokenizer.hpp"

namespace verge::serve::api {
namespace {

class GatedTest : public testing::Test {
 protected:
  std::unique_ptr<text::TokenConstraint> constraint(std::vector<Bypass> gates, bool begun = false) {
    auto grammar = text::Grammar::from_gbnf("root ::= \"hello\" | \"<x\"");
    EXPECT_TRUE(grammar.ok());
    auto inner = text::constraint(*grammar, text::TokenTrie::build(*tokenizer_), {});
    return gated(std::move(inner), tokenizer_, std::move(gates), begun);
  }

  // Whether the constraint lets a text through; then whether it may end.
  bool allows(text::TokenConstraint& answer, const std::string& text) {
    std::vector<uint64_t> bits((tokenizer_->size() + 63) / 64);
    for (const int32_t token : tokenizer_->encode(text, {.parse_special = true})) {
      answer.mask(bits);
      if ((bits[token / 64] >> (token % 64) & 1) == 0) return false;
      answer.accept(token);
    }
    return true;
  }
  bool is_whole(std::vector<Bypass> gates, const std::string& text, bool begun = false) {
    const auto answer = constraint(std::move(gates), begun);
    return allows(*answer, text) && answer->is_complete();
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_ = tiny_tokenizer();
};

TEST_F(GatedTest, TheConstraintHoldsOutsideOfGates) {
  EXPECT_TRUE(is_whole({{"<call>"}}, "hello"));
  EXPECT_FALSE(is_whole({{"<call>"}}, "world"));
  EXPECT_FALSE(is_whole({{"<call>"}}, "hello world"));
}

TEST_F(GatedTest, BehindAnOpenGateTheRestIsFree) {
  EXPECT_TRUE(is_whole({{"[call]"}}, "[call]anything world"));
  EXPECT_FALSE(is_whole({{"[call]"}}, "[cal"));
  EXPECT_FALSE(is_whole({{"[call]"}}, "[cat]"));
  EXPECT_TRUE(is_whole({{"<|im_start|>"}}, "<|im_start|>world"));  // a control token
}

TEST_F(GatedTest, WhatTheConstraintAllowsIsItsOwn) {
  EXPECT_TRUE(is_whole({{"<call>"}}, "<x"));
}

TEST_F(GatedTest, BehindAClosedGateTheConstraintBegins) {
  const std::vector<Bypass> gates = {{"[t]", "[/t]"}, {"{c}"}};
  EXPECT_TRUE(is_whole(gates, "[t]world[/t]hello"));
  EXPECT_TRUE(is_whole(gates, "[t]world[/t]\nhello"));
  EXPECT_TRUE(is_whole(gates, "[t]world[/t]{c}world"));
  EXPECT_FALSE(is_whole(gates, "[t]world[/t]world"));
  EXPECT_FALSE(is_whole(gates, "[t]world"));
  EXPECT_TRUE(is_whole(gates, "world[/t]hello", true));
  EXPECT_FALSE(is_whole(gates, "[t]world<|im_end|>"));  // ends before it has answered
}

TEST_F(GatedTest, OpeningsMayBeginAlike) {
  const std::vector<Bypass> gates = {{"[think]", "[/think]"}, {"[tool]"}};
  EXPECT_TRUE(is_whole(gates, "[think]a[/think]hello"));
  EXPECT_TRUE(is_whole(gates, "[tool]world"));
  EXPECT_TRUE(is_whole(gates, "[think]a[/think][tool]world"));
  EXPECT_FALSE(is_whole(gates, "[tail]"));
}

TEST_F(GatedTest, NoTokenGoesBeyondTheEndOfAGate) {
  int tried = 0;
  for (int32_t token = 0; token < tokenizer_->size(); ++token) {
    const std::string piece(tokenizer_->piece(token));
    if (piece.size() < 2 || tokenizer_->is_end(token)) continue;
    std::vector<uint64_t> bits((tokenizer_->size() + 63) / 64);
    for (size_t end = 1; end < piece.size(); ++end) {
      const auto answer = constraint({{"[t]", piece.substr(0, end)}}, true);
      answer->mask(bits);
      EXPECT_EQ(bits[token / 64] >> (token % 64) & 1, 0u) << piece;
      ++tried;
    }
    const auto answer = constraint({{"[t]", piece}}, true);
    answer->mask(bits);
    EXPECT_EQ(bits[token / 64] >> (token % 64) & 1, 1u) << piece;
  }
  EXPECT_GT(tried, 10);
}

TEST_F(GatedTest, CopiesGoTheirOwnWay) {
  const auto answer = constraint({{"[t]", "[/t]"}});
  ASSERT_TRUE(allows(*answer, "[t]a"));
  const auto copy = answer->clone();
  EXPECT_TRUE(allows(*copy, "[/t]hello"));
  EXPECT_TRUE(copy->is_finished());
  EXPECT_FALSE(answer->is_complete());
  EXPECT_TRUE(allows(*answer, " more"));
}

}  // namespace
}  // namespace verge::serve::api
