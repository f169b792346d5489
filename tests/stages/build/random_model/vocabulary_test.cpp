#include <set>

#include <gtest/gtest.h>

#include <verge/stages/build/random_model/vocabulary.hpp>

namespace verge::build {
namespace {

TEST(Vocabulary, TokensAreDistinctAndComplete) {
  using enum VocabularyKind;
  for (const VocabularyKind kind : {SentencePiece, Gemma, Phi, BytePairs}) {
    const auto vocabulary = random_vocabulary(kind, 5000, 7);
    ASSERT_TRUE(vocabulary.ok());
    const std::set<std::string> distinct(vocabulary->tokens.begin(), vocabulary->tokens.end());
    EXPECT_EQ(distinct.size(), 5000u);
    EXPECT_EQ(vocabulary->types.size(), 5000u);
    EXPECT_EQ(vocabulary->scores.size(), kind == BytePairs ? 0u : 5000u);
    EXPECT_LT(vocabulary->eos, 5000);
    EXPECT_EQ(vocabulary->types[static_cast<size_t>(vocabulary->eos)], 3);
  }
}

TEST(Vocabulary, EveryMergeJoinsTwoTokensIntoOne) {
  const auto vocabulary = random_vocabulary(VocabularyKind::BytePairs, 3000, 1);
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->merges.size(), 3000u - 256 - 3);
  std::set<std::string> known(vocabulary->tokens.begin(), vocabulary->tokens.begin() + 256);
  EXPECT_EQ(vocabulary->tokens[0], "\xC4\x80");
  EXPECT_EQ(vocabulary->tokens[' '], "\xC4\xA0");
  EXPECT_EQ(vocabulary->tokens['a'], "a");
  for (size_t i = 0; i < vocabulary->merges.size(); ++i) {
    const std::string& merge = vocabulary->merges[i];
    const size_t gap = merge.find(' ');
    EXPECT_TRUE(known.count(merge.substr(0, gap)) && known.count(merge.substr(gap + 1))) << merge;
    const std::string joined = merge.substr(0, gap) + merge.substr(gap + 1);
    EXPECT_EQ(vocabulary->tokens[256 + i], joined);
    known.insert(joined);
  }
}

TEST(Vocabulary, DependsOnTheSeed) {
  const auto a = random_vocabulary(VocabularyKind::SentencePiece, 1000, 1);
  const auto b = random_vocabulary(VocabularyKind::SentencePiece, 1000, 1);
  const auto c = random_vocabulary(VocabularyKind::SentencePiece, 1000, 2);
  EXPECT_EQ(a->tokens, b->tokens);
  EXPECT_NE(a->tokens, c->tokens);
}

}  // namespace
}  // namespace verge::build
