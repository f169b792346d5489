#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/fit_levels.hpp>

namespace verge::quant {
namespace {

TEST(FitLevels, AssignsTheNearestLevel) {
  Rng rng(4);
  float x[32];
  for (float& value : x) value = rng.normal();
  for (const float scale : {0.01f, -0.02f}) {
    int8_t q[32];
    assign_iq4(x, scale, q);
    for (int i = 0; i < 32; ++i) {
      const float found = std::abs(x[i] - scale * static_cast<float>(kIq4Values[q[i]]));
      for (const int8_t level : kIq4Values) {
        EXPECT_LE(found, std::abs(x[i] - scale * static_cast<float>(level)) + 1e-6f);
      }
    }
  }
}

TEST(FitLevels, FindsTheScaleOfExactLevels) {
  float x[32];
  float w[32];
  for (const float scale : {0.01f, -0.01f}) {
    for (int i = 0; i < 32; ++i) {
      x[i] = scale * static_cast<float>(kIq4Values[i % 16]);
      w[i] = 1;
    }
    EXPECT_NEAR(fit_iq4_scale(x, w), scale, 1e-7f);
  }
}

}  // namespace
}  // namespace verge::quant
