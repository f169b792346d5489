#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/engine/text/distribution.hpp>
#include <verge/engine/text/sampler.hpp>

namespace verge::text {
namespace {

struct Pair {
  Distribution p, q;
};

// What p and q may have in common: all, some, one token, nothing.
const Pair kPairs[] = {
    {{{0, 0.5f}, {1, 0.3f}, {2, 0.2f}}, {{0, 0.5f}, {1, 0.3f}, {2, 0.2f}}},
    {{{0, 0.5f}, {1, 0.3f}, {2, 0.2f}}, {{2, 0.6f}, {1, 0.3f}, {0, 0.1f}}},
    {{{0, 0.5f}, {1, 0.3f}, {2, 0.2f}}, {{1, 1.0f}}},
    {{{3, 1.0f}}, {{1, 0.25f}, {3, 0.75f}}},
    {{{0, 0.25f}, {1, 0.75f}}, {{2, 0.5f}, {3, 0.5f}}},
};

TEST(Distribution, ADraftBecomesADrawOfTheOther) {
  constexpr int kDraws = 40000;
  for (const Pair& pair : kPairs) {
    Rng drafting(1), drawing(2);
    std::map<int32_t, int> counts;
    int kept = 0;
    for (int i = 0; i < kDraws; ++i) {
      const int32_t drafted = draw(pair.q, drafting);
      const int32_t token = draw_given(pair.p, pair.q, drafted, drawing);
      kept += token == drafted ? 1 : 0;
      ++counts[token];
    }
    double chi_square = 0, overlap = 0;
    for (const TokenProbability& entry : pair.p) {
      const double expected = kDraws * double{entry.probability};
      const double difference = counts[entry.token] - expected;
      chi_square += difference * difference / expected;
      overlap += std::min(entry.probability, probability_of(pair.q, entry.token));
      counts.erase(entry.token);
    }
    EXPECT_TRUE(counts.empty());  // nothing that p does not have
    EXPECT_LT(chi_square, 13.8);  // two degrees of freedom: 0.001
    EXPECT_NEAR(kept / double{kDraws}, overlap, 0.01);
  }
}

TEST(Distribution, ADraftThatCannotBeIsABug) {
  Rng rng(1);
  EXPECT_THROW(draw_given({{0, 1.0f}}, {{0, 1.0f}}, 7, rng), InternalError);
}

std::vector<float> some_logits() {
  Rng rng(11);
  std::vector<float> logits(50);
  for (float& logit : logits) logit = 2 * rng.normal();
  return logits;
}

SamplerOptions with(float temperature, int32_t top_k, float top_p, float penalty) {
  SamplerOptions options;
  options.temperature = temperature;
  options.top_k = top_k;
  options.top_p = top_p;
  options.repetition_penalty = penalty;
  options.seed = 3;
  return options;
}

TEST(Distribution, OfASamplerIsWhatItDrawsFrom) {
  const std::vector<float> logits = some_logits();
  for (const SamplerOptions& options :
       {with(1, 0, 1, 1), with(0.7f, 10, 1, 1), with(1.5f, 0, 0.8f, 2), with(0, 40, 1, 1.5f)}) {
    Sampler sampler = Sampler::create(options, 50).value();
    for (int32_t token : {1, 4, 4, 9}) sampler.accept(token);
    const Distribution distribution = sampler.distribution(logits).value();
    constexpr int kDraws = 20000;
    std::map<int32_t, int> counts;
    for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits).value()];
    double sum = 0, distance = 0;
    for (const TokenProbability& entry : distribution) {
      sum += entry.probability;
      distance += std::abs(entry.probability - counts[entry.token] / double{kDraws}) / 2;
      counts.erase(entry.token);
    }
    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_LT(distance, 0.04);  // total variation
    EXPECT_TRUE(counts.empty());
  }
}

TEST(Distribution, ASamplerKeepsADraftAsOftenAsItMay) {
  const std::vector<float> logits = some_logits();
  for (float tau : {0.0f, 3.0f}) {
    SamplerOptions options = with(1, 0, 1, 1);
    options.mirostat_tau = tau;
    Sampler plain = Sampler::create(options, 50).value();
    options.seed = 4;
    Sampler given = Sampler::create(options, 50).value();
    Rng drafting(5);
    constexpr int kDraws = 20000;
    std::map<int32_t, int> counts;
    for (int i = 0; i < kDraws; ++i) {
      ++counts[plain.sample(logits).value()];
      const Distribution q = {{0, 0.5f}, {7, 0.5f}};
      const int32_t token = draw(q, drafting);
      --counts[given.sample(logits, nullptr, DraftedToken{token, q}).value()];
    }
    double distance = 0;
    for (const auto& [token, difference] : counts) distance += std::abs(difference) / 2.0 / kDraws;
    EXPECT_LT(distance, 0.05) << tau;
    EXPECT_NEAR(plain.state().mirostat_mu, given.state().mirostat_mu, tau > 0 ? 1.5 : 0);
  }
}

}  // namespace
}  // namespace verge::text
