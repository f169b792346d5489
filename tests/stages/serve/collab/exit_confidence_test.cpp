#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>

namespace verge::serve {
namespace {

std::vector<double> plain_softmax(std::span<const float> logits, double temperature) {
  std::vector<double> p;
  for (const float z : logits) p.push_back(std::exp(z / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<float> random_logits(Rng& rng, size_t count, float scale) {
  std::vector<float> logits(count);
  for (float& z : logits) z = scale * rng.normal();
  return logits;
}

TEST(ExitConfidence, IsThatOfThePlainSoftmax) {
  Rng rng(1);
  for (const double temperature : {0.5, 1.0, 3.0}) {
    const std::vector<float> logits = random_logits(rng, 50, 2);
    std::vector<double> p = plain_softmax(logits, temperature);
    double entropy = 0;
    for (const double value : p) entropy -= value * std::log(value);
    std::ranges::sort(p, std::greater<>());
    EXPECT_NEAR(exit_confidence(logits, temperature), p[0], 1e-12);
    EXPECT_NEAR(exit_confidence(logits, temperature, ConfidenceMeasure::Margin), p[0] - p[1],
                1e-12);
    EXPECT_NEAR(exit_confidence(logits, temperature, ConfidenceMeasure::Entropy),
                1 - entropy / std::log(50), 1e-12);
  }
}

TEST(ExitConfidence, EndsAtItsLimits) {
  const std::vector<float> even(8, 1.0f);
  const std::vector<float> sure = {100, -INFINITY, -INFINITY, -100};
  using Measure = ConfidenceMeasure;
  for (const Measure measure : {Measure::MaxProbability, Measure::Margin, Measure::Entropy}) {
    EXPECT_NEAR(exit_confidence(even, 1, measure), measure == Measure::MaxProbability ? 0.125 : 0,
                1e-12);
    EXPECT_NEAR(exit_confidence(sure, 1, measure), 1, 1e-12);
    EXPECT_EQ(confidence_measure(name(measure)), measure);
  }
  EXPECT_EQ(confidence_measure("guess"), std::nullopt);
}

}  // namespace
}  // namespace verge::serve
