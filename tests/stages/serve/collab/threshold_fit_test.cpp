#include <cmath>

#include <gtest/gtest.h>
#include <sanitized.hpp>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {
namespace {

// Tokens of a world whose exits' truth is known: an exit of confidence c is right with chance
// c^`boast`. `boast` above 1: it boasts.
ExitRecord draw_record(Rng& rng, double boast) {
  const double hardness = rng.uniform();
  ExitRecord record;
  record.confidence1 = 1 - hardness * rng.uniform();
  record.confidence2 = 1 - hardness * rng.uniform() * 0.5;
  record.agrees1 = rng.uniform() < std::pow(record.confidence1, boast);
  record.agrees2 = rng.uniform() < std::pow(record.confidence2, boast);
  return record;
}

std::vector<ExitRecord> draw_records(Rng& rng, size_t count, double boast) {
  std::vector<ExitRecord> records(count);
  for (ExitRecord& record : records) record = draw_record(rng, boast);
  return records;
}

// Chance of at most k of n, by the plain sum.
double plain_tail(int64_t k, int64_t n, double p) {
  double sum = 0;
  for (int64_t i = 0; i <= k; ++i) {
    const double choose = std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1);
    sum += std::exp(choose + i * std::log(p) + (n - i) * std::log1p(-p));
  }
  return sum;
}

TEST(ThresholdFit, ClopperAndPearsonsBoundIsWhereTheTailIsDelta) {
  for (const int64_t n : {1, 10, 200, 5000}) {
    for (const int64_t k : {int64_t{0}, n / 50, n / 2}) {
      const double bound = upper_bound(BoundKind::ClopperPearson, k, n, 0.05);
      EXPECT_NEAR(plain_tail(k, n, bound), 0.05, 1e-6) << k << " of " << n;
    }
    EXPECT_EQ(upper_bound(BoundKind::ClopperPearson, n, n, 0.05), 1);
  }
  // No failure in n: 1 - delta^(1/n).
  EXPECT_NEAR(upper_bound(BoundKind::ClopperPearson, 0, 300, 0.05), 1 - std::pow(0.05, 1 / 300.0),
              1e-9);
}

TEST(ThresholdFit, HoeffdingsBoundIsWider) {
  EXPECT_NEAR(upper_bound(BoundKind::Hoeffding, 10, 1000, 0.05),
              0.01 + std::sqrt(std::log(20.0) / 2000), 1e-12);
  for (const int64_t k : {0, 5, 50}) {
    EXPECT_GT(upper_bound(BoundKind::Hoeffding, k, 500, 0.05),
              upper_bound(BoundKind::ClopperPearson, k, 500, 0.05));
  }
}

TEST(ThresholdFit, RatesAreCounts) {
  const ExitRecord records[] = {{0.9, 0.5, true, true},
                                {0.9, 0.5, false, true},
                                {0.1, 0.8, false, false},
                                {0.1, 0.1, false, false}};
  const ExitRates rates = exit_rates(records, 0.9, 0.8);
  EXPECT_EQ(rates.exit1, 0.5);
  EXPECT_EQ(rates.exit2, 0.25);
  EXPECT_EQ(rates.cloud, 0.25);
  EXPECT_EQ(rates.disagreement, 0.5);
  EXPECT_EQ(exit_rates(records, 1, 1).cloud, 1);
  EXPECT_EQ(exit_rates(records, 1, 1).disagreement, 0);
}

// A server that knows states by a codec may differ, too: that is part of the promise.
TEST(ThresholdFit, TheServersDisagreementCounts) {
  std::vector<ExitRecord> records(1000, {0.9, 0.9, true, true});
  for (size_t i = 0; i < records.size(); i += 10) records[i] = {0.1, 0.1, true, true, false};
  EXPECT_EQ(exit_rates(records, 0.5, 0.5).disagreement, 0.1);
  EXPECT_EQ(exit_rates(records, 0.05, 0.5).disagreement, 0);
  const auto fit = fit_thresholds(records, {.agreement = 0.95});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->predicted.cloud, 1);  // strict thresholds break the promise already
}

// What 1 - delta promises: over many calibrations, the true disagreement of the chosen pair is
// within what is allowed at least so often. The truth is measured on a large text of its own.
TEST(ThresholdFit, ThePromiseHoldsInMoreThan95Of100Calibrations) {
  const int calibrations = test::kSanitized ? 40 : 100;
  for (const double boast : {1.0, 3.0}) {
    Rng truth_rng(99);
    const std::vector<ExitRecord> truth = draw_records(truth_rng, 100000, boast);
    for (const BoundKind kind : {BoundKind::ClopperPearson, BoundKind::Hoeffding}) {
      int broken = 0;
      double cloud = 0;
      for (int i = 0; i < calibrations; ++i) {
        Rng rng(1, static_cast<uint64_t>(i));
        const auto records = draw_records(rng, 2000, boast);
        const auto fit = fit_thresholds(records, {.agreement = 0.9, .bound = kind});
        ASSERT_TRUE(fit.ok());
        broken += exit_rates(truth, fit->theta1, fit->theta2).disagreement > 0.1;
        cloud += fit->predicted.cloud / calibrations;
      }
      EXPECT_LE(broken, calibrations / 20);
      EXPECT_LT(cloud, 0.97);  // it does not keep the promise by asking always
    }
  }
}

TEST(ThresholdFit, ThePredictedShareOfTheServerIsTheTrueOne) {
  Rng rng(4);
  const auto fit = fit_thresholds(draw_records(rng, 5000, 1.0), {.agreement = 0.9});
  ASSERT_TRUE(fit.ok());
  const ExitRates rates = exit_rates(draw_records(rng, 50000, 1.0), fit->theta1, fit->theta2);
  EXPECT_NEAR(fit->predicted.cloud, rates.cloud, 0.03);
  EXPECT_LE(rates.disagreement, 0.1);
  EXPECT_LE(fit->bound, 0.1);
}

TEST(ThresholdFit, AStricterPromiseAsksMore) {
  Rng rng(5);
  const auto records = draw_records(rng, 5000, 1.0);
  double before = -1;
  for (const double agreement : {0.7, 0.8, 0.9, 0.95, 0.98}) {
    const auto fit = fit_thresholds(records, {.agreement = agreement});
    ASSERT_TRUE(fit.ok());
    EXPECT_GE(fit->predicted.cloud, before);
    before = fit->predicted.cloud;
  }
}

TEST(ThresholdFit, TooFewRecordsPromiseNothing) {
  const std::vector<ExitRecord> records(50, {0.99, 0.99, true, true});
  const auto fit = fit_thresholds(records, {.agreement = 0.98});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->theta1, 1);
  EXPECT_EQ(fit->theta2, 1);
  EXPECT_EQ(fit->predicted.cloud, 1);
}

TEST(ThresholdFit, ExitsThatAreAlwaysRightAreAlwaysTaken) {
  const std::vector<ExitRecord> records(2000, {0.3, 0.4, true, true});
  const auto fit = fit_thresholds(records, {.agreement = 0.98});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->predicted.cloud, 0);
  EXPECT_LE(fit->theta1, 0.3);
}

TEST(ThresholdFit, RefusesPromisesThatAreNone) {
  const std::vector<ExitRecord> records(10);
  EXPECT_FALSE(fit_thresholds({}, {}).ok());
  EXPECT_FALSE(fit_thresholds(records, {.agreement = 1}).ok());
  EXPECT_FALSE(fit_thresholds(records, {.delta = 0}).ok());
}

}  // namespace
}  // namespace verge::serve
