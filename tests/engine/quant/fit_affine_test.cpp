#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/quant/fit.hpp>

namespace verge::quant {
namespace {

constexpr AffineSearch kSearch{.first = -0.9f, .step = 0.05f, .steps = 36};

double error_at(const float* x, const float* w, Affine fit, int levels) {
  int8_t q[32];
  assign<32>(x, fit, 0, levels, q);
  double error = 0;
  for (int i = 0; i < 32; ++i) {
    const float y = fit.scale * static_cast<float>(q[i]) + fit.offset;
    error += static_cast<double>(w[i]) * std::pow(x[i] - y, 2);
  }
  return error;
}

TEST(FitAffine, IsNearTheBestOfAFineGrid) {
  double found = 0;
  double best = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    float x[32];
    float w[32];
    for (int i = 0; i < 32; ++i) {
      x[i] = rng.normal() * 0.4f;
      w[i] = 0.1f + rng.uniform();
    }
    double least = 1e9;
    for (int s = 1; s <= 150; ++s) {
      for (int m = 0; m <= 150; ++m) {
        const Affine fit{static_cast<float>(s) * 1e-3f, static_cast<float>(m) * -1e-2f};
        least = std::min(least, error_at(x, w, fit, 15));
      }
    }
    found += error_at(x, w, fit_affine<32>(x, w, 15, kSearch), 15);
    best += least;
  }
  EXPECT_LT(found, 1.10 * best);
}

TEST(FitAffine, OffsetIsNeverPositiveUnlessAllowed) {
  float x[16];
  float w[16];
  for (int i = 0; i < 16; ++i) {
    x[i] = 1 + static_cast<float>(i) / 16;
    w[i] = 1;
  }
  AffineSearch search = kSearch;
  EXPECT_LE(fit_affine<16>(x, w, 15, search).offset, 0);
  search.positive_min = true;
  const Affine fit = fit_affine<16>(x, w, 15, search);
  EXPECT_NEAR(fit.offset, 1, 1e-5);
  EXPECT_NEAR(fit.scale, 1.0 / 16, 1e-5);
}

TEST(FitAffine, ConstantsNeedNoScale) {
  float x[16];
  const float w[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  std::fill_n(x, 16, -0.5f);
  EXPECT_EQ(fit_affine<16>(x, w, 15, kSearch).scale, 0);
  EXPECT_EQ(fit_affine<16>(x, w, 15, kSearch).offset, -0.5f);
}

}  // namespace
}  // namespace verge::quant
