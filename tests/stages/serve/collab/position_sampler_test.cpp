#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {
namespace {

text::SamplerOptions plain(uint64_t seed) {
  return {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .seed = seed};
}

TEST(PositionSampler, APositionsTokenIsTheSameWhatWasDrawnBefore) {
  Rng rng(3);
  std::vector<float> logits(40);
  for (float& z : logits) z = rng.normal();
  std::vector<int32_t> forward, backward;
  for (int64_t p = 0; p < 50; ++p) forward.push_back(*sample_at(plain(7), logits, p));
  for (int64_t p = 49; p >= 0; --p) backward.push_back(*sample_at(plain(7), logits, p));
  std::ranges::reverse(backward);
  EXPECT_EQ(forward, backward);
  std::vector<int32_t> other;
  for (int64_t p = 0; p < 50; ++p) other.push_back(*sample_at(plain(8), logits, p));
  EXPECT_NE(forward, other);
}

// Over positions, tokens come as often as their probability says.
TEST(PositionSampler, PositionsDrawIndependently) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  std::array<int, 3> counts = {};
  std::array<int, 9> pairs = {};
  int32_t before = 0;
  const int draws = 20000;
  for (int64_t p = 0; p < draws; ++p) {
    const int32_t token = *sample_at(plain(5), logits, p);
    ++counts[static_cast<size_t>(token)];
    ++pairs[static_cast<size_t>(3 * before + token)];
    before = token;
  }
  const double p[] = {0.5, 0.3, 0.2};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(counts[i] / double{draws}, p[i], 0.015);
    for (size_t j = 0; j < 3; ++j)
      EXPECT_NEAR(pairs[3 * i + j] / double{draws}, p[i] * p[j], 0.015);
  }
}

TEST(PositionSampler, GreedyTakesTheLargest) {
  const std::vector<float> logits = {1, 3, 2};
  EXPECT_EQ(*sample_at({.temperature = 0}, logits, 9), 1);
}

TEST(PositionSampler, WhatNeedsTheTextIsRefused) {
  EXPECT_TRUE(check_position_sampling({}, 10).ok());
  const text::SamplerOptions refused[] = {
      {.repetition_penalty = 1.1f}, {.mirostat_tau = 3}, {.logit_bias = {{1, 2.0f}}}};
  for (const text::SamplerOptions& sampling : refused) {
    const Status status = check_position_sampling(sampling, 10);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Code::Unsupported);
  }
  EXPECT_EQ(check_position_sampling({.top_p = 2}, 10).error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
