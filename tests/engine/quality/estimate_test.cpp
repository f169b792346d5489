#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/quality/estimate.hpp>

namespace verge::quality {
namespace {

TEST(RunningMean, MeanAndStandardErrorOfAKnownSample) {
  RunningMean mean;
  for (const double x : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) mean.add(x);
  const Estimate estimate = mean.estimate();
  EXPECT_DOUBLE_EQ(estimate.value, 5.0);
  EXPECT_DOUBLE_EQ(estimate.standard_error, std::sqrt(32.0 / 7 / 8));
  EXPECT_EQ(estimate.count, 8);
}

TEST(RunningMean, KeepsItsDigitsFarFromZero) {
  RunningMean mean;
  for (int i = 0; i < 1000; ++i) mean.add(1e9 + i % 2);
  EXPECT_NEAR(mean.estimate().standard_error, std::sqrt(0.25 / 999), 1e-9);
}

TEST(RunningMean, OneSampleHasNoSpread) {
  RunningMean mean;
  EXPECT_EQ(mean.estimate().count, 0);
  mean.add(3);
  EXPECT_EQ(mean.estimate().value, 3);
  EXPECT_EQ(mean.estimate().standard_error, 0);
}

TEST(Share, IsBinomial) {
  const Estimate estimate = share(75, 100);
  EXPECT_DOUBLE_EQ(estimate.value, 0.75);
  EXPECT_DOUBLE_EQ(estimate.standard_error, std::sqrt(0.75 * 0.25 / 100));
  EXPECT_EQ(share(0, 0).count, 0);
}

TEST(Quantile, IsAnOrderStatistic) {
  std::vector<double> samples(1000);
  std::iota(samples.rbegin(), samples.rend(), 1.0);
  EXPECT_EQ(quantile(samples, 0.5).value, 500);
  EXPECT_EQ(quantile(samples, 0.999).value, 999);
  const double deviation = std::sqrt(1000 * 0.25);
  EXPECT_NEAR(quantile(samples, 0.5).standard_error, deviation, 1);
  EXPECT_EQ(quantile({7.0}, 0.999).value, 7);
}

}  // namespace
}  // namespace verge::quality
