#pragma once
// What the benchmarks share: how a time is taken, and data to work on.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/rng.hpp>

namespace verge::bench {

/// The upper one of two in the middle; at least one value.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size()) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median of seven calls, after one that warms up.
template <typename Body>
double median_seconds(Body&& body) {
  const SystemClock clock;
  body();
  std::vector<double> seconds(7);
  for (double& value : seconds) {
    const double start = clock.seconds();
    body();
    value = clock.seconds() - start;
  }
  return median(std::move(seconds));
}

/// Uniform in [-0.5, 0.5).
inline std::vector<float> random_floats(int64_t count) {
  Rng rng(1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = rng.uniform() - 0.5f;
  return values;
}

}  // namespace verge::bench
