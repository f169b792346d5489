#pragma once
// Estimate: a mean over samples, with the standard error that says how far to trust it.

#include <cstdint>
#include <span>
#include <vector>

namespace verge::quality {

struct Estimate {
  double value = 0;
  double standard_error = 0;  // of one standard deviation; samples count as independent
  int64_t count = 0;          // samples
};

/// Mean and variance in one pass (Welford 1962), in the order of adding.
class RunningMean {
 public:
  void add(double sample);
  /// The standard error of fewer than two samples is 0.
  Estimate estimate() const;

 private:
  int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances to the mean
};

/// The share of successes, with the binomial standard error.
Estimate share(int64_t successes, int64_t count);

/// The q-quantile (0 < q < 1) of the samples: order statistic ceil(q n). Its standard error is half
/// the distance between the order statistics one binomial deviation below and above.
Estimate quantile(std::vector<double> samples, double q);

}  // namespace verge::quality
