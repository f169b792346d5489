#include <algorithm>
#include <cmath>

#include <verge/engine/quality/estimate.hpp>

namespace verge::quality {

void RunningMean::add(double sample) {
  ++count_;
  const double before = sample - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (sample - mean_);
}

Estimate RunningMean::estimate() const {
  if (count_ < 2) return {mean_, 0, count_};
  const auto n = static_cast<double>(count_);
  return {mean_, std::sqrt(squares_ / (n - 1) / n), count_};
}

Estimate share(int64_t successes, int64_t count) {
  if (count == 0) return {};
  const double p = static_cast<double>(successes) / static_cast<double>(count);
  return {p, std::sqrt(p * (1 - p) / static_cast<double>(count)), count};
}

Estimate quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return {};
  std::ranges::sort(samples);
  const auto n = static_cast<double>(samples.size());
  const auto at = [&](double rank) {
    return samples[static_cast<size_t>(std::clamp(std::ceil(rank), 1.0, n)) - 1];
  };
  const double deviation = std::sqrt(n * q * (1 - q));
  return {at(n * q), (at(n * q + deviation) - at(n * q - deviation)) / 2,
          static_cast<int64_t>(samples.size())};
}

}  // namespace verge::quality
