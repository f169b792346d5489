#include <map>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/bpe_trainer.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {
namespace {

BpeTraining training(int32_t tokens) {
  return {.tokens = tokens, .special = {"<|endoftext|>"}};
}

std::string random_words(uint64_t seed, int count) {
  Rng rng(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    const uint32_t length = 1 + rng.below(6);
    for (uint32_t k = 0; k < length; ++k) text.push_back(static_cast<char>('a' + rng.below(4)));
    text.push_back(' ');
  }
  return text;
}

/// The definition: count all pairs of all words again for each merge. Words are split at spaces,
/// as random_words() makes them; ids as train_bpe() gives them.
std::vector<std::string> merges_by_definition(const std::string& text, size_t limit) {
  std::map<std::string, int64_t> counts;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at + 1), text.size());
    ++counts[text.substr(at, end - at)];
    at = end;
  }
  std::vector<std::pair<std::vector<int32_t>, int64_t>> words;
  for (const auto& [word, count] : counts) {
    words.push_back({{word.begin(), word.end()}, count});
  }
  std::vector<std::string> names(256);
  for (int i = 0; i < 256; ++i) names[i] = i == ' ' ? "Ġ" : std::string(1, static_cast<char>(i));
  std::vector<std::string> merges;
  std::map<std::string, int32_t> ids;
  while (names.size() < limit) {
    std::map<std::pair<int32_t, int32_t>, int64_t> pairs;
    for (const auto& [word, count] : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) pairs[{word[i], word[i + 1]}] += count;
    }
    auto best = pairs.begin();
    for (auto pair = pairs.begin(); pair != pairs.end(); ++pair) {
      if (pair->second > best->second) best = pair;
    }
    if (best == pairs.end() || best->second < 2) break;
    const auto [left, right] = best->first;
    merges.push_back(names[left] + " " + names[right]);
    const auto [id, is_new] =
        ids.emplace(names[left] + names[right], static_cast<int32_t>(names.size()));
    if (is_new) names.push_back(names[left] + names[right]);
    for (auto& [word, count] : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] != left || word[i + 1] != right) continue;
        word[i] = id->second;
        word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return merges;
}

TEST(BpeTrainer, MergesTheMostFrequentPairFirst) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const std::string text = random_words(seed, 300);
    const auto vocabulary = train_bpe(text, training(400));
    ASSERT_TRUE(vocabulary.ok());
    EXPECT_EQ(vocabulary->merges, merges_by_definition(text, 399));
  }
}

TEST(BpeTrainer, TheVocabularyWorks) {
  const std::string text = random_words(3, 5000) + "<|endoftext|>" + random_words(4, 100);
  const auto vocabulary = train_bpe(text, training(600));
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->tokens.size(), 600U);
  EXPECT_EQ(vocabulary->tokens.back(), "<|endoftext|>");
  EXPECT_EQ(vocabulary->eos, 599);
  const auto tokenizer = make_tokenizer(*vocabulary);
  ASSERT_TRUE(tokenizer.ok());
  const std::vector<int32_t> ids = (*tokenizer)->encode(text);
  EXPECT_LT(ids.size() * 2, text.size());
  EXPECT_EQ((*tokenizer)->decode(ids), text);
}

TEST(BpeTrainer, StopsWhenNothingRepeats) {
  const auto vocabulary = train_bpe("abab xyz", training(1000));
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->merges, (std::vector<std::string>{"a b"}));
  EXPECT_EQ(train_bpe("", training(300))->tokens.size(), 257U);
}

TEST(BpeTrainer, RefusesWhatMakesNoSense) {
  const std::pair<BpeTraining, const char*> cases[] = {
      {training(256), "bpe training: 256 tokens are too few for 256 bytes and 1 special tokens"},
      {{.special = {"a", "a"}}, "bpe training: special token 1 is empty, too long or given twice"},
      {{.special = {}}, "bpe training: \"<|endoftext|>\" is not a special token"},
      {{.pre = "x"}, "tokenizer: pre-tokenizer \"x\" is not known; a newer build may know it"},
  };
  for (const auto& [wrong, message] : cases) {
    const auto vocabulary = train_bpe("text", wrong);
    ASSERT_FALSE(vocabulary.ok());
    EXPECT_EQ(vocabulary.error().message, message);
  }
}

}  // namespace
}  // namespace verge::text
