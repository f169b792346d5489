#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/bpe_merges.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

/// The definition, word for word.
std::vector<int32_t> merge_naively(const BpeMerges& merges, std::vector<int32_t> word) {
  for (;;) {
    const BpeMerge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      const BpeMerge* merge = merges.find(word[i], word[i + 1]);
      if (merge && (!best || merge->rank < best->rank)) best = merge, at = i;
    }
    if (!best) return word;
    word[at] = best->token;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(BpeMerges, AgreesWithTheDefinitionAtEveryLength) {
  const auto vocabulary = checked(byte_vocabulary(
      {"b c", "a a", "a b", "aa aa", "c a", "ab c", "bc a", "aa b", "aaaa aaaa", "ca b"}));
  const auto merges = BpeMerges::make(*vocabulary);
  ASSERT_TRUE(merges.ok());
  Rng rng(1);
  for (size_t length = 0; length < 100; ++length) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<int32_t> word(length);
      for (int32_t& token : word) token = 'a' + static_cast<int32_t>(rng.below(3));
      const std::vector<int32_t> expected = merge_naively(*merges, word);
      merges->apply(word);
      ASSERT_EQ(word, expected);
    }
  }
}

TEST(BpeMerges, FirstOfEqualRulesCounts) {
  Vocabulary vocabulary = byte_vocabulary({"a b", "b c"});
  vocabulary.merges.push_back("a b");
  const auto merges = BpeMerges::make(vocabulary);
  EXPECT_EQ(merges->find('a', 'b')->rank, 0U);
  EXPECT_EQ(merges->find('a', 'c'), nullptr);
}

TEST(BpeMerges, RefusesBrokenRules) {
  const std::pair<const char*, const char*> cases[] = {
      {"ab", "tokenizer: merge 0 is \"ab\"; expected two parts"},
      {"", "tokenizer: merge 0 is \"\"; expected two parts"},
      {"a ", "tokenizer: merge 0 is \"a \"; expected two parts"},
      {"a b",
       "tokenizer: merge 0 is \"a b\", but \"ab\" is not a token; the merges belong to "
       "another vocabulary"},
      {"xyz b",
       "tokenizer: merge 0 is \"xyz b\", but \"xyz\" is not a token; the merges belong "
       "to another vocabulary"},
  };
  for (const auto& [rule, message] : cases) {
    Vocabulary vocabulary = byte_vocabulary({});
    vocabulary.merges = {rule};
    const auto merges = BpeMerges::make(vocabulary);
    ASSERT_FALSE(merges.ok());
    EXPECT_EQ(merges.error().message, message);
  }
}

}  // namespace
}  // namespace verge::text
