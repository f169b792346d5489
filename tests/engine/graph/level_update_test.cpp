#include <gtest/gtest.h>

#include <verge/engine/graph/level_update.hpp>

namespace verge::graph {
namespace {

LevelUpdate update_of(double ratio, float rate, int64_t step) {
  return {Attrs{{"ratio", ratio}, {"stream", int64_t{3}}}, rate, step};
}

TEST(LevelUpdate, ScalingMakesAStepOfLevelsThatOfReals) {
  // W = s w: by levels the gradient is s dL/dW, and a level is s large, so that w moves by
  // lr dL/dW / s where gradients are divided by s^2.
  const float multiplier = 0.02f, ratio = 0.5f, scale = multiplier * ratio, rate = 0.1f;
  const LevelUpdate scaled = update_of(ratio, rate, 1);
  const float d_real = 3, d_level = scale * d_real;
  EXPECT_NEAR(d_level * scaled.factor(&multiplier, 0), rate * d_real / scale, 1e-4);
  EXPECT_EQ(scaled.factor(nullptr, 0), rate);
  EXPECT_EQ(update_of(0, rate, 1).factor(&multiplier, 0), rate);
}

TEST(LevelUpdate, RoundsInTheMeanToTheStepItself) {
  double moved = 0, fine = 0;
  constexpr int kRuns = 20000;
  for (int run = 0; run < kRuns; ++run) {
    const LevelUpdate update = update_of(0, 1, run);
    Rng rng = update.draws(7);
    int8_t p = 5;
    update.weight(p, nullptr, 0.3f, 1, rng);
    EXPECT_TRUE(p == 5 || p == 4);
    moved += p - 5;
    int8_t rest = 0;
    p = 5;
    update.weight(p, &rest, 0.3f, 1, rng);
    fine += p - 5 + rest / 256.0;
    EXPECT_NEAR(p - 5 + rest / 256.0, -0.3, 1.0 / 256);
  }
  EXPECT_NEAR(moved / kRuns, -0.3, 0.02);
  EXPECT_NEAR(fine / kRuns, -0.3, 1e-4);
}

TEST(LevelUpdate, ARemainderBecomesALevelInTime) {
  int8_t p = 0, rest = 0;
  for (int step = 0; step < 1000; ++step) {
    const LevelUpdate update = update_of(0, 1, step);
    Rng rng = update.draws(0);
    update.weight(p, &rest, -0.01f, 1, rng);
  }
  EXPECT_NEAR(p + rest / 256.0, 10, 0.3);
}

TEST(LevelUpdate, StaysInRangeWhateverTheGradient) {
  const LevelUpdate update = update_of(0, 1, 1);
  Rng rng = update.draws(0);
  const float huge = std::numeric_limits<float>::infinity();
  int8_t p = 100, rest = 100;
  update.weight(p, &rest, -huge, 1, rng);
  EXPECT_EQ(p, 127);
  update.weight(p, &rest, huge, 1, rng);
  EXPECT_EQ(p, -127);
  update.weight(p, nullptr, std::numeric_limits<float>::quiet_NaN(), 1, rng);
  EXPECT_EQ(p, -127);
  int32_t bias = 0;
  update.bias(bias, -huge, 1, rng);
  EXPECT_EQ(bias, 1 << 30);
}

TEST(LevelUpdate, EqualStepsDrawEqualNumbers) {
  const LevelUpdate update = update_of(0, 1, 9);
  Rng whole = update.draws(0), part = update.draws(4);
  for (int i = 0; i < 4; ++i) whole.uniform();
  EXPECT_EQ(whole.uniform(), part.uniform());
}

}  // namespace
}  // namespace verge::graph
