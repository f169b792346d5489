#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/norm.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

constexpr double kEpsilon = 1e-5;
using Row = std::vector<double>;

Row norm_reference(const Row& x, const Row& weight, const Row& bias, bool centred) {
  const auto n = static_cast<double>(x.size());
  double mean = 0;
  for (double v : x) mean += centred ? v / n : 0;
  double square = 0;
  for (double v : x) square += (v - mean) * (v - mean) / n;
  Row y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    y[i] = (x[i] - mean) / std::sqrt(square + kEpsilon) * weight[i] + (centred ? bias[i] : 0);
  }
  return y;
}

/// Forward and backward of rows x n against the reference and its numeric gradient.
void expect_norm(Isa isa, int64_t rows, int64_t n, bool centred) {
  const auto x = random_floats(rows * n, 1);
  const auto weight = random_floats(n, 2);
  const auto bias = random_floats(n, 3);
  const auto dy = random_floats(rows * n, 4);
  std::vector<float> y(rows * n), dx(rows * n), mean(rows), rstd(rows), dw(n), db(n);
  on_two_workers([&](Worker& worker) {
    const float* w = weight.data();
    if (centred) {
      layer_norm(isa, rows, n, x.data(), w, bias.data(), kEpsilon, y.data(), mean.data(),
                 rstd.data(), worker);
      worker.sync();
      layer_norm_backward(isa, rows, n, x.data(), w, mean.data(), rstd.data(), dy.data(), dx.data(),
                          dw.data(), db.data(), worker);
    } else {
      rms_norm(isa, rows, n, x.data(), w, kEpsilon, y.data(), rstd.data(), worker);
      worker.sync();
      rms_norm_backward(isa, rows, n, x.data(), w, rstd.data(), dy.data(), dx.data(), dw.data(),
                        worker);
    }
  });
  Row want_y, want_dx, want_dw(n), want_db(n);
  for (int64_t row = 0; row < rows; ++row) {
    const Row in(x.begin() + row * n, x.begin() + (row + 1) * n);
    const auto loss = [&](const Row& at, const Row& w) {
      const Row out = norm_reference(at, w, doubles(bias), centred);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += out[i] * dy[row * n + i];
      return sum;
    };
    const Row out = norm_reference(in, doubles(weight), doubles(bias), centred);
    want_y.insert(want_y.end(), out.begin(), out.end());
    const Row gx = numeric_gradient([&](const Row& at) { return loss(at, doubles(weight)); }, in);
    want_dx.insert(want_dx.end(), gx.begin(), gx.end());
    const Row gw = numeric_gradient([&](const Row& w) { return loss(in, w); }, doubles(weight));
    for (int64_t i = 0; i < n; ++i) want_dw[i] += gw[i];
    for (int64_t i = 0; i < n; ++i) want_db[i] += centred ? dy[row * n + i] : 0;
  }
  expect_close(y, want_y, 3e-6, "y");
  expect_close(dx, want_dx, 2e-5, "dx");
  expect_close(dw, want_dw, 2e-5, "d_weight");
  expect_close(db, want_db, 2e-5, "d_bias");
}

TEST(Norm, ForwardAndGradientOverRaggedRows) {
  for (Isa isa : machine_isas()) {
    for (bool centred : {false, true}) {
      for (auto [rows, n] : {std::pair{1, 2}, {3, 16}, {5, 37}, {2, 130}}) {
        expect_norm(isa, rows, n, centred);
      }
    }
  }
}

TEST(Norm, WorksInPlaceWithoutWeights) {
  const auto x = random_floats(2 * 20, 1);
  for (Isa isa : machine_isas()) {
    auto y = x;
    on_two_workers([&](Worker& worker) {
      rms_norm(isa, 2, 20, y.data(), nullptr, 0, y.data(), nullptr, worker);
    });
    double square = 0;
    for (int i = 0; i < 20; ++i) square += double{x[i]} * x[i] / 20;
    for (int i = 0; i < 20; ++i) EXPECT_NEAR(y[i], x[i] / std::sqrt(square), 1e-6);
  }
}

TEST(Norm, SoftmaxLogSoftmaxAndTheirGradients) {
  const int64_t rows = 3;
  for (Isa isa : machine_isas()) {
    for (int64_t n : {1, 7, 50, 1001}) {
      const auto x = random_floats(rows * n, 5, 5);
      const auto dy = random_floats(rows * n, 6);
      std::vector<float> p(rows * n), log_p(rows * n), dx(rows * n), d_log(rows * n);
      on_two_workers([&](Worker& worker) {
        softmax(isa, rows, n, x.data(), p.data(), worker);
        log_softmax(isa, rows, n, x.data(), log_p.data(), worker);
        worker.sync();
        softmax_backward(isa, rows, n, p.data(), dy.data(), dx.data(), worker);
        log_softmax_backward(isa, rows, n, log_p.data(), dy.data(), d_log.data(), worker);
      });
      for (int64_t row = 0; row < rows; ++row) {
        const float* in = x.data() + row * n;
        double sum = 0;
        double along = 0, total = 0;
        for (int64_t i = 0; i < n; ++i) sum += std::exp(double{in[i]});
        for (int64_t i = 0; i < n; ++i) along += std::exp(double{in[i]}) / sum * dy[row * n + i];
        for (int64_t i = 0; i < n; ++i) total += dy[row * n + i];
        for (int64_t i = 0; i < n; ++i) {
          const double want = std::exp(double{in[i]}) / sum;
          EXPECT_NEAR(p[row * n + i], want, 1e-6);
          EXPECT_NEAR(log_p[row * n + i], std::log(want), 1e-5 * (1 - std::log(want)));
          EXPECT_NEAR(dx[row * n + i], want * (dy[row * n + i] - along), 2e-6);
          EXPECT_NEAR(d_log[row * n + i], dy[row * n + i] - want * total, 1e-4);
        }
      }
    }
  }
}

}  // namespace
}  // namespace verge::kernels
