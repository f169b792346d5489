#include <gtest/gtest.h>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodeTernary, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::TQ2_0});
}

TEST(EncodeTernary, TernaryWeightsSurvive) {
  std::vector<float> x(512);
  Rng rng(3);
  for (float& value : x) value = 0.75f * (static_cast<float>(rng.below(3)) - 1);
  EXPECT_EQ(round_trip(DType::TQ2_0, x), x);
}

TEST(EncodeTernary, NoOtherThresholdIsBetter) {
  const auto rows = heavy_rows();
  const std::vector<float> x(rows.begin(), rows.begin() + 256);
  const double found = squared_distance(x, round_trip(DType::TQ2_0, x));
  for (const float threshold : x) {
    if (!(threshold > 0)) continue;
    double sum = 0;
    double large = 0;
    double energy = 0;
    for (const float value : x) {
      energy += static_cast<double>(value) * static_cast<double>(value);
      if (std::abs(value) < threshold) continue;
      sum += static_cast<double>(std::abs(value));
      ++large;
    }
    EXPECT_LE(found, (energy - sum * sum / large) * 1.0001);
  }
}

}  // namespace
}  // namespace verge::quant
