#pragma once
// Comparison of a kernel's floats with an independent computation in double.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/threads.hpp>

namespace verge::kernels {

/// |got - want| <= tolerance * max(1, |want|) for every element.
inline void expect_close(const std::vector<float>& got, const std::vector<double>& want,
                         double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance * std::max(1.0, std::fabs(want[i])))
        << what << " at " << i;
  }
}

/// Runs a kernel on two workers.
template <typename Body>
void on_two_workers(Body body) {
  ThreadPool pool(2);
  pool.run(body);
}

/// d f / d x by central differences in double.
inline std::vector<double> numeric_gradient(
    const std::function<double(const std::vector<double>&)>& f, std::vector<double> x,
    double step = 1e-5) {
  std::vector<double> gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + step;
    const double above = f(x);
    x[i] = kept - step;
    gradient[i] = (above - f(x)) / (2 * step);
    x[i] = kept;
  }
  return gradient;
}

inline std::vector<double> doubles(const std::vector<float>& x) {
  return {x.begin(), x.end()};
}

}  // namespace verge::kernels
