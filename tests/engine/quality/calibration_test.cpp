#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/quality/calibration.hpp>
#include <verge/engine/text/sampler_stages.hpp>

namespace verge::quality {
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

struct Labelled {
  std::vector<float> logits = {};
  std::vector<int32_t> targets = {};
};

// Targets drawn from softmax(logits / temperature): the temperature is known.
Labelled drawn_at(double temperature, size_t rows, size_t vocab) {
  Labelled text;
  Rng rng(11);
  for (size_t row = 0; row < rows; ++row) {
    const std::vector<float> logits = random_logits(rng, vocab, 2);
    std::vector<float> p;
    for (const double value : plain_softmax(logits, temperature)) {
      p.push_back(static_cast<float>(value));
    }
    text.targets.push_back(static_cast<int32_t>(text::draw(p, rng)));
    text.logits.insert(text.logits.end(), logits.begin(), logits.end());
  }
  return text;
}

TEST(Calibration, FindsTheTemperatureThatTargetsWereDrawnAt) {
  for (const double temperature : {0.4, 1.0, 2.5}) {
    const Labelled text = drawn_at(temperature, 4000, 20);
    const auto fit = fit_temperature(text.logits, 20, text.targets);
    ASSERT_TRUE(fit.ok());
    EXPECT_NEAR(fit->temperature / temperature, 1, 0.06);
    EXPECT_LE(fit->nll_after, fit->nll_before);
    EXPECT_LT(fit->error_after, 0.03);
    EXPECT_LE(fit->error_after, temperature == 1.0 ? 0.03 : fit->error_before / 2);
  }
}

// Any other temperature of a fine grid is no better.
TEST(Calibration, TheFitIsTheLeastOfAll) {
  const Labelled text = drawn_at(1.7, 300, 12);
  const auto fit = fit_temperature(text.logits, 12, text.targets);
  ASSERT_TRUE(fit.ok());
  for (double temperature = 0.1; temperature < 10; temperature *= 1.02) {
    double nll = 0;
    for (size_t row = 0; row < text.targets.size(); ++row) {
      const auto p = plain_softmax(std::span(text.logits).subspan(row * 12, 12), temperature);
      nll -= std::log(p[static_cast<size_t>(text.targets[row])]);
    }
    EXPECT_LE(fit->nll_after, nll / 300 + 1e-9) << temperature;
  }
}

TEST(Calibration, AModelThatIsAlwaysRightIsMadeAsSureAsMayBe) {
  const std::vector<float> logits = {1, 0, 0, 1};
  const std::vector<int32_t> targets = {0, 1};
  const auto fit = fit_temperature(logits, 2, targets);
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->temperature, 0.05, 1e-3);
}

TEST(Calibration, TheCalibrationErrorIsThatOfItsDefinition) {
  // Four rows of confidence 0.75, of which two are right; one of 0.5 that is right.
  const float odds = std::log(3.0f);
  const std::vector<float> logits = {odds, 0, odds, 0, odds, 0, odds, 0, 0, 0};
  const std::vector<int32_t> targets = {0, 0, 1, 1, 0};
  EXPECT_NEAR(expected_calibration_error(logits, 2, targets, 1), 4 / 5.0 * 0.25 + 1 / 5.0 * 0.5,
              1e-6);
}

TEST(Calibration, RefusesWhatCannotBeFitted) {
  EXPECT_EQ(fit_temperature({}, 2, {}).error().code, Code::InvalidArgument);
  const std::vector<float> logits = {1, 0};
  const std::vector<int32_t> targets = {2};
  EXPECT_EQ(fit_temperature(logits, 2, targets).error().message, "target 2 is none of 2 tokens");
}

}  // namespace
}  // namespace verge::quality
