#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/fit/calibration/ranges.hpp>

namespace verge::fit {
namespace {

std::vector<float> range_samples(size_t count, const std::function<double(Rng&)>& draw) {
  Rng rng(5);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(draw(rng));
  return values;
}

Histogram histogram_of(const std::vector<float>& values, bool of_magnitudes) {
  ValueRange range;
  range.add(values);
  Histogram histogram(range, of_magnitudes);
  histogram.add(values);
  return histogram;
}

TEST(Ranges, MethodsHaveNames) {
  for (const char* text : {"entropy", "percentile", "minmax"}) {
    ASSERT_TRUE(calibration_method(text)) << text;
    EXPECT_EQ(name(*calibration_method(text)), text);
  }
  EXPECT_FALSE(calibration_method("kl"));
}

TEST(Ranges, HistogramsCountAllThatAreNumbers) {
  const std::vector<float> values = {-1, 0, 3, NAN, INFINITY};
  const Histogram signs = histogram_of(values, false), sizes = histogram_of(values, true);
  EXPECT_EQ(signs.total(), 3);
  EXPECT_EQ(signs.counts().front(), 1);
  EXPECT_EQ(signs.counts().back(), 1);
  EXPECT_DOUBLE_EQ(signs.width(), 4.0 / 2048);
  EXPECT_EQ(sizes.total(), 2) << "0 is exact";
  EXPECT_DOUBLE_EQ(sizes.width(), 3.0 / 2048);
}

TEST(Ranges, PercentilesOfAUniformDistribution) {
  const auto values = range_samples(200000, [](Rng& rng) { return -2 + 5 * rng.uniform(); });
  const Histogram histogram = histogram_of(values, false);
  const ValueRange middle = percentile_range(histogram, 90);
  EXPECT_NEAR(middle.low, -1.75, 0.02);
  EXPECT_NEAR(middle.high, 2.75, 0.02);
  const ValueRange all = percentile_range(histogram, 100);
  EXPECT_NEAR(all.low, -2, 0.01);
  EXPECT_NEAR(all.high, 3, 0.01);
}

// A uniform distribution has nothing to gain by a clip; a few far outliers cost all others their
// levels.
TEST(Ranges, EntropyKeepsUniformValuesAndCutsOutliers) {
  const auto uniform = range_samples(200000, [](Rng& rng) { return 4 * rng.uniform(); });
  EXPECT_GT(entropy_threshold(histogram_of(uniform, true), 256), 3.8);
  auto normal = range_samples(200000, [](Rng& rng) { return rng.normal(); });
  const double alone = entropy_threshold(histogram_of(normal, true), 128);
  EXPECT_GT(alone, 2.5);
  normal.push_back(100);
  normal.push_back(-100);
  const double cut = entropy_threshold(histogram_of(normal, true), 128);
  EXPECT_LT(cut, 25);
  EXPECT_GT(cut, 3);
}

// Behind a ReLU half of all values are 0.
TEST(Ranges, EntropyIsNotLedByZeros) {
  const auto rectified =
      range_samples(200000, [](Rng& rng) { return std::max(0.0f, rng.normal()); });
  EXPECT_GT(entropy_threshold(histogram_of(rectified, true), 256), 3);
  const auto few = range_samples(3000, [](Rng& rng) { return std::max(0.0f, rng.normal()); });
  EXPECT_GT(entropy_threshold(histogram_of(few, true), 256), 2);
}

TEST(Ranges, ScalesHaveALevelForZero) {
  const LevelScale both = scale_of({-1, 3});
  EXPECT_FLOAT_EQ(both.scale, 4.0f / 255);
  EXPECT_EQ(both.zero, 64);
  EXPECT_EQ(scale_of({0, 6}).zero, 0);
  EXPECT_EQ(scale_of({2, 6}).zero, 0) << "0 is in every range";
  EXPECT_EQ(scale_of({-6, 0}).zero, 255);
  EXPECT_EQ(scale_of({0, 0}).scale, 1) << "nothing but zeros";
  EXPECT_EQ(scale_of({0, HUGE_VALF}).scale, 1);
}

// Uniform noise of a step: step^2 / 12.
TEST(Ranges, TheSqnrOfUniformValues) {
  const auto values = range_samples(100000, [](Rng& rng) { return rng.uniform(); });
  const Histogram histogram = histogram_of(values, false);
  const double wanted = 10 * std::log10((1.0 / 3) / (1.0 / 255 / 255 / 12));
  EXPECT_NEAR(levels_sqnr(histogram, {1.0f / 255, 0}), wanted, 0.2);
  EXPECT_LT(levels_sqnr(histogram, {0.5f / 255, 0}), 15) << "half of the values are cut";
}

}  // namespace
}  // namespace verge::fit
