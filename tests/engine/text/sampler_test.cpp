#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/text/sampler.hpp>

#include "random_logits.hpp"

namespace verge::text {
namespace {

/// Nothing truncates: every test says what it adds.
SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  return options;
}

Sampler make_sampler(const SamplerOptions& options, int32_t vocab_size) {
  Result<Sampler> sampler = Sampler::create(options, vocab_size);
  VERGE_CHECK(sampler.ok(), sampler.error().message);
  return std::move(sampler).value();
}

std::vector<int32_t> drawn(Sampler& sampler, const std::vector<float>& logits, int count) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) {
    tokens.push_back(sampler.sample(logits).value());
    sampler.accept(tokens.back());
  }
  return tokens;
}

TEST(Sampler, DrawsFollowTheTemperedDistribution) {
  // Chi-square with 9 degrees of freedom: above 27.9 with probability 0.001.
  const std::vector<float> logits = random_logits(10, 3, 1);
  for (float temperature : {0.5f, 1.0f, 2.0f}) {
    SamplerOptions options = plain();
    options.temperature = temperature;
    Sampler sampler = make_sampler(options, 10);
    constexpr int kDraws = 50000;
    std::vector<int> counts(10);
    for (int token : drawn(sampler, logits, kDraws)) ++counts[token];
    double sum = 0, chi_square = 0;
    for (float logit : logits) sum += std::exp(logit / temperature);
    for (int i = 0; i < 10; ++i) {
      const double expected = kDraws * std::exp(logits[i] / temperature) / sum;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(chi_square, 27.9) << temperature;
  }
}

TEST(Sampler, StagesRunInTheDocumentedOrder) {
  // Probabilities 0.4 0.3 0.2 0.1. top_k 3 renormalizes to 0.44 0.33 0.22, so top_p 0.75 keeps two;
  // had top_p come first it would have kept three.
  const std::vector<float> logits = {std::log(0.4f), std::log(0.3f), std::log(0.2f),
                                     std::log(0.1f)};
  SamplerOptions options = plain();
  options.top_k = 3;
  options.top_p = 0.75f;
  options.temperature = 50;  // last: it must not change what is kept
  Sampler sampler = make_sampler(options, 4);
  for (int token : drawn(sampler, logits, 500)) EXPECT_LT(token, 2);
}

TEST(Sampler, TemperatureZeroIsGreedyAfterBiasAndPenalties) {
  SamplerOptions options = plain();
  options.temperature = 0;
  options.presence_penalty = 1;
  options.penalty_window = 2;
  options.logit_bias = {{0, -std::numeric_limits<float>::infinity()}, {3, 1.5f}};
  Sampler sampler = make_sampler(options, 4);
  // After bias: -inf, 1.0, 1.2, 1.5; each accepted token loses 1 for two steps.
  EXPECT_EQ(drawn(sampler, {9, 1.0f, 1.2f, 0}, 6), (std::vector<int32_t>{3, 2, 1, 3, 2, 1}));
}

TEST(Sampler, TheSeedDecidesTheTokens) {
  const std::vector<float> logits = random_logits(1000, 5);
  SamplerOptions options;
  options.seed = 7;
  Sampler a = make_sampler(options, 1000), b = make_sampler(options, 1000);
  const std::vector<int32_t> tokens = drawn(a, logits, 50);
  EXPECT_EQ(drawn(b, logits, 50), tokens);
  a.reset();
  EXPECT_EQ(drawn(a, logits, 50), tokens);
  options.seed = 8;
  Sampler c = make_sampler(options, 1000);
  EXPECT_NE(drawn(c, logits, 50), tokens);
}

TEST(Sampler, RestoredStateContinuesTheSameTokens) {
  const std::vector<float> logits = random_logits(200, 6);
  for (float tau : {0.0f, 3.0f}) {
    SamplerOptions options;
    options.repetition_penalty = 1.3f;
    options.penalty_window = 5;
    options.mirostat_tau = tau;
    Sampler sampler = make_sampler(options, 200), fork = make_sampler(options, 200);
    drawn(sampler, logits, 20);
    fork.restore(sampler.state());
    EXPECT_EQ(drawn(fork, logits, 30), drawn(sampler, logits, 30)) << tau;
  }
}

TEST(Sampler, MirostatSurpriseConvergesToTau) {
  const std::vector<float> logits = random_logits(2000, 9, 2);
  for (float tau : {2.0f, 4.0f, 6.0f}) {
    SamplerOptions options = plain();
    options.mirostat_tau = tau;
    Sampler sampler = make_sampler(options, 2000);
    drawn(sampler, logits, 200);
    // mu moves by eta * (tau - surprise), so its drift is the mean error of the surprise.
    const float before = sampler.state().mirostat_mu;
    constexpr int kTokens = 4000;
    drawn(sampler, logits, kTokens);
    const float drift = sampler.state().mirostat_mu - before;
    EXPECT_NEAR(drift / options.mirostat_eta / kTokens, 0, 0.05) << tau;
  }
}

// Algorithm 2 of Basu et al. 2021: keep surprises up to mu, draw x from what is left, then
// mu -= eta (surprise of x - tau).
TEST(Sampler, MirostatMovesByItsFormula) {
  const std::vector<float> logits = random_logits(50, 10, 2);
  SamplerOptions options = plain();
  options.temperature = 0.75f;
  options.mirostat_tau = 1.5f;
  options.mirostat_eta = 0.25f;
  Sampler sampler = make_sampler(options, 50);
  double mu = 2 * 1.5, whole = 0;
  for (float logit : logits) whole += std::exp(logit / 0.75);
  for (int step = 0; step < 100; ++step) {
    double kept = 0, largest = 0;
    for (float logit : logits) {
      const double p = std::exp(logit / 0.75) / whole;
      largest = std::max(largest, p);
      if (-std::log2(p) <= mu) kept += p;
    }
    const int32_t token = sampler.sample(logits).value();
    const double p = std::exp(logits[token] / 0.75) / whole;
    EXPECT_TRUE(-std::log2(p) <= mu + 1e-4 || p == largest) << step;
    mu -= 0.25 * (-std::log2(p / std::max(kept, largest)) - 1.5);
    ASSERT_NEAR(sampler.state().mirostat_mu, mu, 1e-3) << step;
    mu = sampler.state().mirostat_mu;
  }
}

TEST(Sampler, PenaltiesCountTheWindowOnly) {
  // Logits 4 2 -2 1; the window holds the last three of 0 0 1 0 2: token 1 once, 0 once, 2 once.
  SamplerOptions options = plain();
  options.temperature = 0;
  options.repetition_penalty = 2;
  options.frequency_penalty = 0.5f;
  options.presence_penalty = 0.25f;
  options.penalty_window = 3;
  Sampler sampler = make_sampler(options, 4);
  for (const int32_t token : {0, 0, 1, 0, 2}) sampler.accept(token);
  const auto best = [&](std::vector<float> logits) { return sampler.sample(logits).value(); };
  // 0: 4/2 - 0.75 = 1.25; 1: 2/2 - 0.75 = 0.25; 2: -2*2 - 0.75 = -4.75; 3: unchanged.
  EXPECT_EQ(best({4, 2, -2, 1.24f}), 0);
  EXPECT_EQ(best({4, 2, -2, 1.26f}), 3);
  EXPECT_EQ(best({-9, 2, -2, 0.24f}), 1);
  EXPECT_EQ(best({-9, 2, -2, 0.26f}), 3);
  EXPECT_EQ(best({-9, -9, -2, -4.76f}), 2);
  EXPECT_EQ(best({-9, -9, -2, -4.74f}), 3);
}

TEST(Sampler, PenaltiesOfManyTokensAreThoseOfARecount) {
  constexpr int32_t kTokens = 50000;
  SamplerOptions options = plain();
  options.frequency_penalty = 0.5f;
  options.presence_penalty = 0.25f;
  for (const int32_t window : {-1, 30000}) {
    options.penalty_window = window;
    Sampler sampler = make_sampler(options, kTokens);
    Rng rng(3);
    std::vector<int32_t> accepted;
    for (int32_t token = 0; token < kTokens; ++token) accepted.push_back(token);
    for (int i = 0; i < 20000; ++i) accepted.push_back(static_cast<int32_t>(rng.below(100)));
    for (const int32_t token : accepted) sampler.accept(token);
    std::vector<int> counts(kTokens);
    const size_t first = window < 0 ? 0 : accepted.size() - window;
    for (size_t i = first; i < accepted.size(); ++i) ++counts[accepted[i]];
    std::vector<float> logits(kTokens);  // what the penalties take, so that all end up equal
    for (int32_t i = 0; i < kTokens; ++i) {
      if (counts[i] > 0) logits[i] = 0.5f * static_cast<float>(counts[i]) + 0.25f;
    }
    const Distribution all = sampler.distribution(logits).value();
    ASSERT_EQ(all.size(), static_cast<size_t>(kTokens));
    for (const auto& entry : all) ASSERT_EQ(entry.probability, all[0].probability) << entry.token;
  }
}

TEST(Sampler, MaskAllowsOnlyItsTokens) {
  const std::vector<float> logits = random_logits(100, 12);
  const std::vector<uint64_t> allowed = {0b1001000, 0};
  for (float temperature : {0.0f, 1.0f}) {
    SamplerOptions options = plain();
    options.temperature = temperature;
    Sampler sampler = make_sampler(options, 100);
    for (int i = 0; i < 100; ++i) {
      const int32_t token = sampler.sample(logits, allowed).value();
      EXPECT_TRUE(token == 3 || token == 6) << token;
    }
    EXPECT_EQ(sampler.sample(logits, std::vector<uint64_t>{0}).error().code, Code::InvalidArgument);
  }
}

/// Allows the tokens whose bits are set, whatever was accepted.
class FixedMask : public TokenConstraint {
 public:
  explicit FixedMask(std::vector<uint64_t> bits) : bits_(std::move(bits)) {}
  void mask(std::span<uint64_t> bits) override { std::ranges::copy(bits_, bits.begin()); }
  void accept(int32_t) override {}
  bool is_complete() const override { return false; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<FixedMask>(*this);
  }
  std::string describe() const override { return "the fixed mask"; }

 private:
  std::vector<uint64_t> bits_;
};

TEST(Sampler, ConstraintThatAllowsAllChangesNothing) {
  const std::vector<float> logits = random_logits(100, 13);
  for (float temperature : {0.0f, 0.7f}) {
    SamplerOptions options;
    options.temperature = temperature;
    options.repetition_penalty = 1.2f;
    options.mirostat_tau = temperature > 0 ? 2 : 0;
    Sampler free = make_sampler(options, 100), bound = make_sampler(options, 100);
    FixedMask all({~uint64_t{0}, ~uint64_t{0}});
    for (int i = 0; i < 200; ++i) {
      const int32_t token = free.sample(logits).value();
      EXPECT_EQ(bound.sample(logits, &all).value(), token);
      free.accept(token);
      bound.accept(token);
    }
    EXPECT_EQ(bound.state().mirostat_mu, free.state().mirostat_mu);
  }
}

TEST(Sampler, ConstraintLimitsEveryDraw) {
  const std::vector<float> logits = random_logits(100, 14);
  Sampler sampler = make_sampler(plain(), 100);
  FixedMask two({0b100100, 1});
  for (int i = 0; i < 100; ++i) {
    const int32_t token = sampler.sample(logits, &two).value();
    EXPECT_TRUE(token == 2 || token == 5 || token == 64) << token;
  }
  FixedMask none({0, 0});
  const Result<int32_t> result = sampler.sample(logits, &none);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::Unsupported);
  EXPECT_NE(result.error().message.find("the fixed mask allows no token"), std::string::npos);
  EXPECT_EQ(sampler.sample(logits, nullptr).ok(), true);
}

TEST(Sampler, InvalidLogitsAreAnErrorNamingTheToken) {
  Sampler sampler = make_sampler({}, 4);
  const Result<int32_t> result = sampler.sample(std::vector<float>{1, 2, std::nanf(""), 4});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::Malformed);
  EXPECT_NE(result.error().message.find("token 2 is nan"), std::string::npos);
  EXPECT_FALSE(sampler.sample(std::vector<float>{1, 2}).ok());
}

TEST(Sampler, OptionsOutOfRangeNameTheFieldAndTheRange) {
  struct Case {
    const char* field;
    void (*set)(SamplerOptions&);
  };
  const Case cases[] = {
      {"temperature is -1; use 0 (greedy) to 100", [](auto& o) { o.temperature = -1; }},
      {"temperature is nan", [](auto& o) { o.temperature = std::nanf(""); }},
      {"top_k is -1; use 0 (off) or more", [](auto& o) { o.top_k = -1; }},
      {"top_p is 0; use above 0", [](auto& o) { o.top_p = 0; }},
      {"typical_p is 2", [](auto& o) { o.typical_p = 2; }},
      {"min_p is -0.5", [](auto& o) { o.min_p = -0.5f; }},
      {"repetition_penalty is 0", [](auto& o) { o.repetition_penalty = 0; }},
      {"frequency_penalty is 101", [](auto& o) { o.frequency_penalty = 101; }},
      {"presence_penalty is -101", [](auto& o) { o.presence_penalty = -101; }},
      {"penalty_window is -2", [](auto& o) { o.penalty_window = -2; }},
      {"mirostat_tau is -1", [](auto& o) { o.mirostat_tau = -1; }},
      {"mirostat_eta is 0", [](auto& o) { o.mirostat_eta = 0; }},
      {"logit_bias names token 10; tokens are 0 to 9",
       [](auto& o) {
         o.logit_bias = {{10, 1}};
       }},
      {"logit_bias of token 1 is nan",
       [](auto& o) {
         o.logit_bias = {{1, std::nanf("")}};
       }},
  };
  for (const Case& test : cases) {
    SamplerOptions options;
    test.set(options);
    const Status status = validate(options, 10);
    ASSERT_FALSE(status.ok()) << test.field;
    EXPECT_NE(status.error().message.find(test.field), std::string::npos) << status.error().message;
  }
  EXPECT_TRUE(validate({}, 10).ok());
  EXPECT_FALSE(Sampler::create({}, 0).ok());
}

}  // namespace
}  // namespace verge::text
