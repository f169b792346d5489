#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/sampler_stages.hpp>

#include "random_logits.hpp"

namespace verge::text {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::vector<int32_t> sorted_tokens(const Candidates& candidates) {
  std::vector<int32_t> tokens;
  for (const Candidate& candidate : candidates) tokens.push_back(candidate.token);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// The plain reference: probabilities of all tokens, a full sort by `key`, then a walk.
std::vector<double> softmax(const std::vector<float>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (float logit : logits) p.push_back(std::exp(logit - largest));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<int32_t> smallest_prefix(const std::vector<double>& p, std::vector<double> key,
                                     double enough) {
  std::vector<int32_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key[a] < key[b]; });
  double reached = 0;
  size_t kept = 0;
  while (kept < order.size() && reached < enough) reached += p[order[kept++]];
  order.resize(kept);
  std::sort(order.begin(), order.end());
  return order;
}

TEST(SamplerStages, TopKEqualsAFullSort) {
  for (size_t count : {1, 5, 17, 1000, 20000}) {
    std::vector<float> logits = random_logits(count, count);
    for (size_t i = 0; i < count; i += 3) logits[i] = std::round(logits[i]);  // make ties
    for (size_t k : {1, 2, 40, 5000}) {
      std::vector<int32_t> order(count);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](int a, int b) { return logits[a] > logits[b]; });
      order.resize(std::min(k, count));
      std::vector<int32_t> kept;
      for (const Candidate& candidate : top_k(logits, k)) kept.push_back(candidate.token);
      EXPECT_EQ(kept, order) << count << " " << k;
    }
  }
}

TEST(SamplerStages, TopKLeavesOutTokensThatCannotOccur) {
  EXPECT_EQ(top_k(std::vector<float>{kNever, 1, kNever, 2}, 3), (Candidates{{3, 2}, {1, 1}}));
  EXPECT_EQ(top_k(std::vector<float>{kNever, 1, kNever, 2}, 0), (Candidates{{1, 1}, {3, 2}}));
}

TEST(SamplerStages, TopPEqualsThePlainReference) {
  for (size_t count : {2, 100, 5000}) {
    const std::vector<float> logits = random_logits(count, count);
    const std::vector<double> p = softmax(logits);
    std::vector<double> key;
    for (double value : p) key.push_back(-value);
    for (float enough : {0.01f, 0.5f, 0.9f, 0.999f}) {
      Candidates candidates = top_k(logits, 0);
      top_p(candidates, enough);
      EXPECT_EQ(sorted_tokens(candidates), smallest_prefix(p, key, enough)) << enough;
    }
  }
}

TEST(SamplerStages, TypicalEqualsThePlainReference) {
  for (size_t count : {2, 100, 5000}) {
    const std::vector<float> logits = random_logits(count, count);
    const std::vector<double> p = softmax(logits);
    double entropy = 0;
    for (double value : p) entropy -= value * std::log(value);
    std::vector<double> key;
    for (double value : p) key.push_back(std::abs(-std::log(value) - entropy));
    for (float enough : {0.1f, 0.5f, 0.95f}) {
      Candidates candidates = top_k(logits, 0);
      typical(candidates, enough);
      EXPECT_EQ(sorted_tokens(candidates), smallest_prefix(p, key, enough)) << enough;
    }
  }
}

TEST(SamplerStages, MinPKeepsTokensLikelyEnoughBesideTheBest) {
  const std::vector<float> logits = random_logits(3000, 4);
  const std::vector<double> p = softmax(logits);
  const double best = *std::max_element(p.begin(), p.end());
  for (float ratio : {0.0f, 0.001f, 0.05f, 0.5f, 1.0f}) {
    std::vector<int32_t> expected;
    for (size_t i = 0; i < p.size(); ++i) {
      if (p[i] >= ratio * best * (1 - 1e-7)) expected.push_back(i);
    }
    Candidates candidates = top_k(logits, 0);
    min_p(candidates, ratio);
    EXPECT_EQ(sorted_tokens(candidates), expected) << ratio;
  }
}

TEST(SamplerStages, SurpriseIsCutInBits) {
  // Probabilities 1/2, 1/4, 1/8, 1/8: surprises 1, 2, 3, 3.
  const std::vector<float> logits = {0, -std::log(2.0f), -std::log(4.0f), -std::log(4.0f)};
  const std::pair<float, size_t> cases[] = {{-5, 1}, {0.5f, 1}, {1.5f, 1}, {2.5f, 2}, {3.5f, 4}};
  for (const auto& [mu, kept] : cases) {
    Candidates candidates = top_k(logits, 0);
    keep_surprise_below(candidates, mu);
    EXPECT_EQ(candidates.size(), kept) << mu;
  }
}

TEST(SamplerStages, PenaltiesFollowTheirFormula) {
  std::vector<float> logits = {2, -2, 0, 3, 5};
  const TokenCount counts[] = {{0, 3}, {1, 1}, {2, 2}};
  penalize(logits, counts, {.repetition = 2, .frequency = 0.5f, .presence = 0.25f});
  EXPECT_EQ(logits, (std::vector<float>{1 - 1.75f, -4 - 0.75f, -1.25f, 3, 5}));
}

TEST(SamplerStages, MaskForbidsTokensAndWhatItDoesNotReach) {
  std::vector<float> logits(130, 1.0f);
  const uint64_t mask[] = {uint64_t{1} << 63, 0b10};
  keep_allowed(logits, mask);
  EXPECT_EQ(top_k(logits, 0), (Candidates{{63, 1}, {65, 1}}));
}

TEST(SamplerStages, ArgmaxIsTheFirstOfEquals) {
  for (size_t count : {1, 7, 16, 33, 1000}) {
    std::vector<float> logits = random_logits(count, count);
    const auto expected = std::max_element(logits.begin(), logits.end()) - logits.begin();
    EXPECT_EQ(argmax(logits), expected);
    logits.insert(logits.end(), logits.begin(), logits.end());
    EXPECT_EQ(argmax(logits), expected);
  }
  EXPECT_EQ(argmax({}), -1);
}

TEST(SamplerStages, InvalidLogitsAreFoundByIndex) {
  std::vector<float> logits(100, kNever);
  EXPECT_EQ(find_invalid(logits), -1);
  logits[77] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(find_invalid(logits), 77);
  logits[42] = -std::nanf("");
  EXPECT_EQ(find_invalid(logits), 42);
}

TEST(SamplerStages, DrawsFollowTheProbabilities) {
  // Chi-square with 5 degrees of freedom: above 20.5 with probability 0.001.
  const std::vector<float> p = {0.4f, 0.3f, 0.0f, 0.15f, 0.1f, 0.04f, 0.01f};
  constexpr int kDraws = 100000;
  std::vector<int> counts(p.size());
  Rng rng(11);
  for (int i = 0; i < kDraws; ++i) ++counts[draw(p, rng)];
  double chi_square = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = kDraws * p[i];
    if (expected > 0) chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  EXPECT_LT(chi_square, 20.5);
  EXPECT_EQ(counts[2], 0);
}

}  // namespace
}  // namespace verge::text
