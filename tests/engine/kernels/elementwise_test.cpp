#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/elementwise.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

double value_of(Activation f, double x) {
  switch (f) {
    case Activation::None:
      return x;
    case Activation::Relu:
      return x > 0 ? x : 0;
    case Activation::Relu6:
      return std::clamp(x, 0.0, 6.0);
    case Activation::Silu:
      return x / (1 + std::exp(-x));
    case Activation::Sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::Hswish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Activation::Hsigmoid:
      return std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Activation::GeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::GeluErf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  }
  return 0;
}

double slope_of(Activation f, double x) {
  return (value_of(f, x + 1e-6) - value_of(f, x - 1e-6)) / 2e-6;
}

constexpr Activation kAll[] = {Activation::None,     Activation::Relu,     Activation::Relu6,
                               Activation::Silu,     Activation::Sigmoid,  Activation::Hswish,
                               Activation::Hsigmoid, Activation::GeluTanh, Activation::GeluErf};

TEST(Elementwise, ArithmeticOverRaggedLengths) {
  for (Isa isa : machine_isas()) {
    for (int64_t n : {1, 15, 64, 131, 1000}) {
      const auto x = random_floats(n, 1);
      const auto y = random_floats(n, 2);
      std::vector<float> scaled(n), line = y;
      on_two_workers([&](Worker& worker) {
        scale(isa, n, 3, x.data(), scaled.data(), worker);
        axpy(isa, n, 0.5f, x.data(), line.data(), worker);
      });
      for (int64_t i = 0; i < n; ++i) {
        EXPECT_EQ(scaled[i], 3 * x[i]);
        EXPECT_NEAR(line[i], 0.5 * x[i] + y[i], 1e-6);
      }
    }
  }
}

TEST(Elementwise, ActivationsAndTheirSlopes) {
  const int64_t n = 333;
  auto x = random_floats(n, 1, 4);
  x[0] = 90;
  x[1] = -90;
  const auto dy = random_floats(n, 2);
  for (Isa isa : machine_isas()) {
    for (Activation f : kAll) {
      std::vector<float> y(n), dx(n);
      on_two_workers([&](Worker& worker) {
        activate(isa, f, n, x.data(), y.data(), worker);
        activate_backward(isa, f, n, x.data(), dy.data(), dx.data(), worker);
      });
      std::vector<double> want_y(n), want_dx(n);
      for (int64_t i = 0; i < n; ++i) {
        want_y[i] = value_of(f, x[i]);
        want_dx[i] = dy[i] * slope_of(f, x[i]);
      }
      expect_close(y, want_y, 2e-6, "y");
      expect_close(dx, want_dx, 4e-6, "dx");
    }
  }
}

TEST(Elementwise, GatedOnHalvesOfARow) {
  const int64_t rows = 5;
  const int64_t n = 37;
  const auto both = random_floats(rows * 2 * n, 1, 2);
  const auto dy = random_floats(rows * n, 2);
  for (Isa isa : machine_isas()) {
    for (Activation f : kAll) {
      std::vector<float> y(rows * n), d_both(rows * 2 * n);
      const Gated g{f, rows, n, both.data(), 2 * n, both.data() + n, 2 * n};
      on_two_workers([&](Worker& worker) {
        gated(isa, g, y.data(), n, worker);
        gated_backward(isa, g, dy.data(), n, d_both.data(), d_both.data() + n, worker);
      });
      for (int64_t i = 0; i < rows * n; ++i) {
        const int64_t at = i / n * 2 * n + i % n;
        EXPECT_NEAR(y[i], value_of(f, both[at]) * both[at + n], 1e-5);
        EXPECT_NEAR(d_both[at], dy[i] * both[at + n] * slope_of(f, both[at]), 1e-5);
        EXPECT_NEAR(d_both[at + n], dy[i] * value_of(f, both[at]), 1e-5);
      }
    }
  }
}

TEST(Elementwise, GatherAndScatterAreEachOthersTranspose) {
  const int64_t n = 45;
  const auto table = random_floats(10 * n, 1);
  const int32_t ids[] = {3, 9, 3, 0, 3};
  std::vector<uint16_t> half(table.size());
  for (size_t i = 0; i < table.size(); ++i) half[i] = f32_to_f16(table[i]);
  const auto dy = random_floats(5 * n, 2);
  for (Isa isa : machine_isas()) {
    std::vector<float> full_rows(5 * n), half_rows(5 * n), d_table(10 * n);
    on_two_workers([&](Worker& worker) {
      gather_rows(isa, DType::F32, n, table.data(), ids, 5, 2, full_rows.data(), worker);
      gather_rows(isa, DType::F16, n, half.data(), ids, 5, 1, half_rows.data(), worker);
      scatter_add_rows(isa, n, ids, 5, dy.data(), d_table.data(), worker);
    });
    std::vector<float> want(10 * n);
    for (int64_t i = 0; i < 5 * n; ++i) {
      const int64_t at = ids[i / n] * n + i % n;
      EXPECT_EQ(full_rows[i], 2 * table[at]);
      EXPECT_EQ(half_rows[i], f16_to_f32(half[at]));
      want[at] += dy[i];
    }
    EXPECT_EQ(d_table, want);
  }
}

TEST(Elementwise, SumsOverRowsAndOfSquares) {
  const int64_t rows = 50;
  const int64_t n = 211;
  const auto x = random_floats(rows * n, 1);
  std::vector<double> columns(n);
  double squares = 0;
  for (int64_t i = 0; i < rows * n; ++i) {
    columns[i % n] += x[i];
    squares += double{x[i]} * x[i];
  }
  for (Isa isa : machine_isas()) {
    std::vector<float> sums(n, 7);
    std::vector<double> partials(sum_of_squares_partials(rows * n));
    double result = 0;
    on_two_workers([&](Worker& worker) {
      sum_rows(isa, rows, n, x.data(), n, false, sums.data(), worker);
      sum_of_squares(isa, rows * n, x.data(), partials.data(), &result, worker);
    });
    expect_close(sums, columns, 1e-5, "sums");
    EXPECT_NEAR(result, squares, 1e-6 * squares);
  }
}

}  // namespace
}  // namespace verge::kernels
