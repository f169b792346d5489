#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/batch_norm.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

using Doubles = std::vector<double>;

struct Statistics {
  double mean, variance;
};

Statistics statistics_of(const BatchNorm& n, const Doubles& x, int64_t channel) {
  const auto count = static_cast<double>(n.batch * n.area);
  Statistics s{0, 0};
  const auto at = [&](int64_t i) {
    return x[(i / n.area * n.channels + channel) * n.area + i % n.area];
  };
  for (int64_t i = 0; i < n.batch * n.area; ++i) s.mean += at(i) / count;
  for (int64_t i = 0; i < n.batch * n.area; ++i) {
    s.variance += (at(i) - s.mean) * (at(i) - s.mean) / count;
  }
  return s;
}

Doubles reference_batch_norm(const BatchNorm& n, const Doubles& x, const Doubles& w,
                             const Doubles& b) {
  Doubles y(x.size());
  for (int64_t channel = 0; channel < n.channels; ++channel) {
    const Statistics s = statistics_of(n, x, channel);
    for (int64_t i = 0; i < n.batch * n.area; ++i) {
      const int64_t at = (i / n.area * n.channels + channel) * n.area + i % n.area;
      y[at] = (x[at] - s.mean) / std::sqrt(s.variance + n.epsilon) * w[channel] + b[channel];
    }
  }
  return y;
}

TEST(BatchNorm, TrainingForwardAndGradient) {
  for (const BatchNorm& n : {BatchNorm{4, 3, 1}, BatchNorm{3, 5, 7}, BatchNorm{2, 1, 33}}) {
    const int64_t size = n.batch * n.channels * n.area;
    const auto x = random_floats(size, 1);
    const auto w = random_floats(n.channels, 2);
    const auto b = random_floats(n.channels, 3);
    const auto dy = random_floats(size, 4);
    const auto loss = [&](const Doubles& at, const Doubles& weight, const Doubles& bias) {
      const Doubles y = reference_batch_norm(n, at, weight, bias);
      double sum = 0;
      for (int64_t i = 0; i < size; ++i) sum += y[i] * dy[i];
      return sum;
    };
    const Doubles xd = doubles(x), wd = doubles(w), bd = doubles(b);
    for (Isa isa : machine_isas()) {
      std::vector<float> y(size), dx(size), mean(n.channels), rstd(n.channels), dw(n.channels),
          db(n.channels), running_mean(n.channels, 1.0f), running_variance(n.channels, 2.0f);
      on_two_workers([&](Worker& worker) {
        batch_norm(isa, n, x.data(), w.data(), b.data(), y.data(), mean.data(), rstd.data(),
                   running_mean.data(), running_variance.data(), worker);
        worker.sync();
        batch_norm_backward(isa, n, x.data(), w.data(), nullptr, mean.data(), rstd.data(),
                            dy.data(), dx.data(), dw.data(), db.data(), worker);
      });
      expect_close(y, reference_batch_norm(n, xd, wd, bd), 1e-5, "y");
      expect_close(dx, numeric_gradient([&](const Doubles& v) { return loss(v, wd, bd); }, xd),
                   3e-5, "dx");
      expect_close(dw, numeric_gradient([&](const Doubles& v) { return loss(xd, v, bd); }, wd),
                   3e-5, "d_weight");
      expect_close(db, numeric_gradient([&](const Doubles& v) { return loss(xd, wd, v); }, bd),
                   3e-5, "d_bias");
      const Statistics s = statistics_of(n, xd, 0);
      const auto count = static_cast<double>(n.batch * n.area);
      EXPECT_NEAR(running_mean[0], 0.9 + 0.1 * s.mean, 1e-6);
      EXPECT_NEAR(running_variance[0], 1.8 + 0.1 * s.variance * count / (count - 1), 1e-5);
    }
  }
}

TEST(BatchNorm, FrozenIsAnAffineMap) {
  const BatchNorm n{2, 2, 3};
  const auto x = random_floats(12, 1);
  const float w[] = {2, 3}, b[] = {1, -1}, mean[] = {0.5f, 0}, variance[] = {4, 0.25f};
  for (Isa isa : machine_isas()) {
    std::vector<float> y(12), dx(12);
    on_two_workers([&](Worker& worker) {
      batch_norm_frozen(isa, n, x.data(), w, b, mean, variance, y.data(), worker);
      batch_norm_frozen_backward(isa, n, w, variance, x.data(), dx.data(), worker);
    });
    for (int i = 0; i < 12; ++i) {
      const int c = i / 3 % 2;
      const double scale = w[c] / std::sqrt(variance[c] + 1e-5);
      EXPECT_NEAR(y[i], (x[i] - mean[c]) * scale + b[c], 1e-5);
      EXPECT_NEAR(dx[i], x[i] * scale, 1e-5);
    }
  }
}

}  // namespace
}  // namespace verge::kernels
