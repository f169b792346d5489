#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/loss.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(Loss, CrossEntropyLeavesItsGradient) {
  const int64_t rows = 4;
  const int32_t targets[] = {0, -1, 2, 1};
  for (Isa isa : machine_isas()) {
    for (int64_t n : {3, 17, 700}) {
      const auto x = random_floats(rows * n, 1, 6);
      auto gradient = x;
      auto kept = x;
      std::vector<float> losses(rows), again(rows);
      on_two_workers([&](Worker& worker) {
        softmax_cross_entropy(isa, rows, n, gradient.data(), targets, 0.25f, losses.data(), worker);
        softmax_cross_entropy(isa, rows, n, kept.data(), targets, 0, again.data(), worker);
      });
      EXPECT_EQ(kept, x);
      EXPECT_EQ(losses, again);
      for (int64_t row = 0; row < rows; ++row) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(double{x[row * n + i]});
        const bool counts = targets[row] >= 0;
        EXPECT_NEAR(losses[row], counts ? std::log(sum) - x[row * n + targets[row]] : 0, 1e-5);
        for (int64_t i = 0; i < n; ++i) {
          const double p = std::exp(double{x[row * n + i]}) / sum;
          const double want = counts ? 0.25 * (p - (i == targets[row] ? 1 : 0)) : 0;
          ASSERT_NEAR(gradient[row * n + i], want, 1e-6) << name(isa) << " " << row << "," << i;
        }
      }
    }
  }
}

TEST(Loss, MeanSquaredError) {
  const float x[] = {1, 2, 3, 4};
  const float y[] = {1, 0, 3, 3};
  float losses[2];
  on_two_workers([&](Worker& worker) { mean_squared_error(2, 2, x, y, losses, worker); });
  EXPECT_EQ(losses[0], 2);
  EXPECT_EQ(losses[1], 0.5f);
}

}  // namespace
}  // namespace verge::kernels
