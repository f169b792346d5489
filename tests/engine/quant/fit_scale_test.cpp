#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/quant/fit.hpp>

namespace verge::quant {
namespace {

double error_at(const float* x, const float* w, float scale, int low, int high) {
  int8_t q[32];
  assign<32>(x, {scale, 0}, low, high, q);
  double error = 0;
  for (int i = 0; i < 32; ++i) {
    error += static_cast<double>(w[i]) * std::pow(x[i] - scale * static_cast<float>(q[i]), 2);
  }
  return error;
}

TEST(FitScale, IsNearTheBestOfAFineGrid) {
  double found = 0;
  double best = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    float x[32];
    float w[32];
    for (int i = 0; i < 32; ++i) {
      x[i] = rng.normal() * 0.4f;
      w[i] = rng.uniform();
    }
    double least = 1e9;
    for (int k = -2000; k <= 2000; ++k) {
      if (k != 0) least = std::min(least, error_at(x, w, static_cast<float>(k) * 2e-4f, -8, 7));
    }
    found += error_at(x, w, fit_scale<32>(x, w, -8, 7), -8, 7);
    best += least;
  }
  EXPECT_LT(found, 1.10 * best);
}

TEST(FitScale, FindsTheStepOfExactMultiples) {
  float x[16];
  float w[16];
  for (int i = 0; i < 16; ++i) {
    x[i] = 0.11f * static_cast<float>(i - 8);
    w[i] = 1;
  }
  EXPECT_NEAR(std::abs(fit_scale<16>(x, w, -8, 7)), 0.11f, 1e-6f);
  for (float& value : x) value = std::abs(value);
  EXPECT_NEAR(fit_scale<16>(x, w, 0, 8), 0.11f, 1e-6f);
}

TEST(FitScale, NothingToFitIsZero) {
  const float zeros[8] = {};
  const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(fit_scale<8>(zeros, ones, 0, 63), 0);
  EXPECT_EQ(fit_scale<8>(ones, zeros, 0, 63), 0);
}

}  // namespace
}  // namespace verge::quant
