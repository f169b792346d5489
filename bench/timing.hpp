#pragma once
// What the benchmarks share: how a time is taken, and data to work on.

#include <algorithm>
#include <cstdint>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/rng.hpp>

namespace verge::bench {

/// Median of seven calls, after one that warms up.
template <typename Body>
double median_seconds(Body&& body) {
  const SystemClock clock;
  body();
  double seconds[7];
  for (double& value : seconds) {
    const double start = clock.seconds();
    body();
    value = clock.seconds() - start;
  }
  std::nth_element(seconds, seconds + 3, seconds + 7);
  return seconds[3];
}

/// Uniform in [-0.5, 0.5).
inline std::vector<float> random_floats(int64_t count) {
  Rng rng(1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = rng.uniform() - 0.5f;
  return values;
}

}  // namespace verge::bench
