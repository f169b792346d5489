#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/rows.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

/// Distance in units of the last place of the exact value's float.
double ulps(float got, double want) {
  const float near = static_cast<float>(want);
  const double unit = std::nextafter(std::fabs(near), INFINITY) - std::fabs(near);
  return std::fabs(got - want) / unit;
}

TEST(Rows, ExpIsWithinTwoUlps) {
  std::vector<float> x;
  for (float v = -87.3f; v < 88.7f; v += 0.00137f) x.push_back(v);
  std::vector<float> y(x.size());
  for (Isa isa : machine_isas()) {
    row_kernels(isa).exp(static_cast<int64_t>(x.size()), x.data(), y.data());
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i)
      worst = std::max(worst, ulps(y[i], std::exp(double{x[i]})));
    EXPECT_LT(worst, 2) << name(isa);
  }
}

TEST(Rows, ExpKnowsItsEnds) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float x[] = {-infinity, -200, 0, 100, infinity, NAN};
  for (Isa isa : machine_isas()) {
    float y[6];
    row_kernels(isa).exp(6, x, y);
    EXPECT_EQ(std::vector<float>(y, y + 5), (std::vector<float>{0, 0, 1, infinity, infinity}));
    EXPECT_TRUE(std::isnan(y[5])) << name(isa);
  }
}

TEST(Rows, ReductionsCoverRaggedTails) {
  for (Isa isa : machine_isas()) {
    const RowKernels& kernels = row_kernels(isa);
    for (int64_t n : {1, 3, 15, 16, 17, 33, 100}) {
      const auto x = random_floats(n, 1);
      const auto y = random_floats(n, 2);
      double dot = 0;
      double sum = 0;
      float max = -INFINITY;
      for (int64_t i = 0; i < n; ++i) {
        dot += double{x[i]} * y[i];
        sum += std::exp(double{x[i]} - 1);
        max = std::max(max, x[i]);
      }
      EXPECT_NEAR(kernels.dot(n, x.data(), y.data()), dot, 1e-4);
      EXPECT_EQ(kernels.max(n, x.data()), max);
      EXPECT_NEAR(kernels.sum_exp(n, 1, x.data()), sum, 1e-4);
      auto z = x;
      EXPECT_NEAR(kernels.exp_sum(n, 1, z.data()), sum, 1e-4);
      EXPECT_NEAR(z.back(), std::exp(x.back() - 1), 1e-5);
    }
    EXPECT_EQ(kernels.max(0, nullptr), -INFINITY);
  }
}

TEST(Rows, NarrowThenWidenIsTheRounding) {
  for (Isa isa : machine_isas()) {
    for (DType dtype : {DType::F32, DType::F16, DType::BF16, DType::Q8_0}) {
      const int64_t n = dtype == DType::Q8_0 ? 96 : 83;
      const auto x = random_floats(n, 3);
      std::vector<std::byte> stored(bytes_of(dtype, n));
      std::vector<float> back(n);
      row_kernels(isa).narrow(dtype, n, x.data(), stored.data());
      row_kernels(isa).widen(dtype, n, stored.data(), back.data());
      for (int64_t i = 0; i < n; ++i) {
        float want = x[i];
        if (dtype == DType::F16) want = f16_to_f32(f32_to_f16(x[i]));
        if (dtype == DType::BF16) want = bf16_to_f32(f32_to_bf16(x[i]));
        EXPECT_NEAR(back[i], want, dtype == DType::Q8_0 ? 0.02 : 0) << name(isa) << name(dtype);
      }
    }
  }
}

}  // namespace
}  // namespace verge::kernels
