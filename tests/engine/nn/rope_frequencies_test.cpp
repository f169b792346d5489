#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/nn/config.hpp>

namespace verge::nn {
namespace {

TEST(RopeFrequencies, ArePowersOfTheBase) {
  const auto values = rope_frequencies({.dims = 4, .base = 10000}, false);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_FLOAT_EQ(values[0], 1.0f);
  EXPECT_FLOAT_EQ(values[1], 0.01f);
}

TEST(RopeFrequencies, LinearScalingLeavesLocalLayersAlone) {
  const RopeConfig rope{.dims = 4, .base = 1e6, .local_base = 10000, .linear_factor = 8};
  EXPECT_FLOAT_EQ(rope_frequencies(rope, false)[1], 0.001f / 8);
  EXPECT_FLOAT_EQ(rope_frequencies(rope, true)[1], 0.01f);
}

TEST(RopeFrequencies, DivisorsFollowTheContext) {
  RopeConfig rope{.dims = 4, .original_context = 100};
  rope.divisors = {1, 2};
  rope.long_divisors = {3, 4};
  EXPECT_FLOAT_EQ(rope_frequencies(rope, false, 100)[1], 0.01f / 2);
  EXPECT_FLOAT_EQ(rope_frequencies(rope, false, 101)[1], 0.01f / 4);
  EXPECT_FLOAT_EQ(rope_frequencies(rope, false, 101)[0], 1.0f / 3);
}

// Worked by hand from the paper's equations: of 64 dims, base 10000 and 4096 tokens, the ramp goes
// from pair floor(64 ln(4096 / 64 pi) / 2 ln 10000) = 10 to ceil(64 ln(4096 / 2 pi) / ...) = 23.
TEST(RopeFrequencies, YarnKeepsFastPairsAndStretchesSlowOnes) {
  RopeConfig rope{.dims = 64, .yarn_factor = 4, .original_context = 4096};
  const auto values = rope_frequencies(rope, false);
  const auto plain = [](int pair) { return std::pow(10000.0, -pair / 32.0); };
  EXPECT_NEAR(values[10] / plain(10), 1, 1e-6);
  EXPECT_NEAR(values[11] / plain(11), 12.0 / 13 + 1.0 / 13 / 4, 1e-6);
  EXPECT_NEAR(values[22] / plain(22), 1.0 / 13 + 12.0 / 13 / 4, 1e-6);
  EXPECT_NEAR(values[23] / plain(23), 0.25, 1e-6);
  EXPECT_NEAR(values[31] / plain(31), 0.25, 1e-6);
  EXPECT_NEAR(rope_magnitude(rope, false), 1.1386294, 1e-6);  // 0.1 ln 4 + 1
}

}  // namespace
}  // namespace verge::nn
