#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/pool.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

const Pool2d kCases[] = {
    {3, 8, 8, 2, 2, 2, 2},
    {2, 7, 37, 2, 2, 2, 2},
    {3, 2, 3, 2, 2, 2, 2},
    {2, 9, 7, 3, 3, 2, 2, 1, 1, 1, 1},
    {1, 5, 6, 3, 2, 1, 1, 0, 1, 1, 0, true},
    {4, 4, 4, 4, 4, 1, 1},
};

/// Calls body(input index, output index, place in the window) for every pair inside the image.
template <typename Body>
void for_pairs(const Pool2d& p, Body body) {
  int64_t y = 0;
  for (int64_t plane = 0; plane < p.planes; ++plane) {
    for (int64_t r = 0; r < p.out_height(); ++r) {
      for (int64_t c = 0; c < p.out_width(); ++c, ++y) {
        for (int64_t k = 0; k < p.kernel_height * p.kernel_width; ++k) {
          const int64_t row = r * p.stride_height - p.pad_top + k / p.kernel_width;
          const int64_t column = c * p.stride_width - p.pad_left + k % p.kernel_width;
          if (row < 0 || row >= p.in_height || column < 0 || column >= p.in_width) continue;
          body((plane * p.in_height + row) * p.in_width + column, y, k);
        }
      }
    }
  }
}

TEST(Pool, MaximumAndItsGradient) {
  for (const Pool2d& p : kCases) {
    const auto x = random_floats(p.planes * p.in_height * p.in_width, 1);
    const auto out = p.planes * p.out_height() * p.out_width();
    const auto dy = random_floats(out, 2);
    std::vector<float> y(out), dx(x.size(), NAN);
    std::vector<uint8_t> index(out);
    on_two_workers([&](Worker& worker) {
      max_pool(p, x.data(), y.data(), index.data(), worker);
      worker.sync();
      max_pool_backward(p, dy.data(), index.data(), dx.data(), worker);
    });
    std::vector<float> best(out, -INFINITY);
    std::vector<double> want_dx(x.size());
    for_pairs(p, [&](int64_t i, int64_t o, int64_t) { best[o] = std::max(best[o], x[i]); });
    for_pairs(p, [&](int64_t i, int64_t o, int64_t k) {
      if (x[i] != best[o]) return;
      want_dx[i] += dy[o];
      EXPECT_EQ(index[o], k);
    });
    EXPECT_EQ(y, best);
    expect_close(dx, want_dx, 1e-6, "dx");
  }
}

TEST(Pool, AverageAndItsGradient) {
  for (const Pool2d& p : kCases) {
    const auto x = random_floats(p.planes * p.in_height * p.in_width, 1);
    const auto out = p.planes * p.out_height() * p.out_width();
    const auto dy = random_floats(out, 2);
    std::vector<float> y(out), dx(x.size(), NAN);
    on_two_workers([&](Worker& worker) {
      avg_pool(p, x.data(), y.data(), worker);
      avg_pool_backward(p, dy.data(), dx.data(), worker);
    });
    std::vector<double> counted(out), want_y(out), want_dx(x.size());
    for_pairs(p, [&](int64_t, int64_t o, int64_t) { counted[o] += 1; });
    for (double& count : counted) {
      if (p.count_padding) count = static_cast<double>(p.kernel_height * p.kernel_width);
    }
    for_pairs(p, [&](int64_t i, int64_t o, int64_t) {
      want_y[o] += x[i] / counted[o];
      want_dx[i] += dy[o] / counted[o];
    });
    expect_close(y, want_y, 1e-6, "y");
    expect_close(dx, want_dx, 1e-6, "dx");
  }
}

}  // namespace
}  // namespace verge::kernels
