#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/dtype.hpp>
#include <verge/engine/kernels/gemm.hpp>

#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::None:
      return x;
    case Activation::Relu:
      return std::max(x, 0.0);
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
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2)));
  }
  return 0;
}

double element(const Operand& operand, int64_t i, int64_t j, Compute compute) {
  const float x = operand.transposed ? operand.data[j * operand.stride + i]
                                     : operand.data[i * operand.stride + j];
  return compute == Compute::Bf16 ? bf16_to_f32(f32_to_bf16(x)) : x;
}

/// What C must become, in double; `compute` says whether the operands are rounded first.
std::vector<double> expected(const Gemm& g, Compute compute) {
  std::vector<double> out;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < g.k; ++p) {
        sum += element(g.a, i, p, compute) * element(g.b, p, j, compute);
      }
      sum = g.alpha * sum + (g.beta == 0 ? 0 : g.beta * g.c[i * g.c_stride + j]);
      if (g.bias != nullptr) sum += g.bias[j];
      if (g.row_bias != nullptr) sum += g.row_bias[i];
      sum = activate(g.activation, sum);
      out.push_back(sum + (g.residual == nullptr ? 0 : g.residual[i * g.c_stride + j]));
    }
  }
  return out;
}

void expect_gemm(Isa isa, Gemm g, int threads, int variant) {
  const auto a = random_floats(g.m * g.k + 7 * std::max(g.m, g.k), 1);
  const auto b = random_floats(g.n * g.k + 5 * std::max(g.n, g.k), 2);
  g.a = {a.data(), ((variant & 1) != 0 ? g.m : g.k) + 7, (variant & 1) != 0};
  g.b = {b.data(), ((variant & 2) != 0 ? g.k : g.n) + 5, (variant & 2) != 0};
  g.c_stride = g.n + 3;
  auto c = random_floats(g.m * g.c_stride, 3);
  if (g.beta == 0) std::fill(c.begin(), c.end(), NAN);
  g.c = c.data();
  const bool rounds = g.compute == Compute::Bf16 && isa == Isa::Avx512Bf16;
  const auto want = expected(g, rounds ? Compute::Bf16 : Compute::F32);
  Workspace workspace(gemm_workspace_bytes(isa, g));
  ThreadPool pool(threads);
  pool.run([&](Worker& worker) { gemm(isa, g, workspace.get(), worker); });
  const double tolerance = 4e-6 * (std::sqrt(static_cast<double>(g.k)) + 4);
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      ASSERT_NEAR(c[i * g.c_stride + j], want[i * g.n + j], tolerance)
          << name(isa) << " " << g.m << "x" << g.n << "x" << g.k << " variant " << variant << " at "
          << i << "," << j;
    }
  }
}

TEST(Gemm, AgreesWithDoublesOnEveryShapeAndTransposition) {
  const int64_t shapes[][3] = {{1, 1, 1},    {1, 33, 7},    {5, 17, 2},      {12, 32, 16},
                               {13, 31, 65}, {97, 70, 129}, {110, 300, 530}, {30, 5, 1100}};
  for (Isa isa : machine_isas()) {
    for (const auto& [m, n, k] : shapes) {
      for (int variant = 0; variant < 4; ++variant) {
        for (Compute compute : {Compute::F32, Compute::Bf16}) {
          expect_gemm(isa, {.m = m, .n = n, .k = k, .compute = compute}, 2, variant);
        }
      }
    }
  }
}

TEST(Gemm, AppliesAlphaBetaAndEpilogueInOrder) {
  const int64_t m = 25;
  const int64_t n = 61;
  const auto bias = random_floats(n, 4);
  const auto row_bias = random_floats(m, 5);
  const auto residual = random_floats(m * (n + 3), 6);
  for (Isa isa : machine_isas()) {
    for (Activation activation : {Activation::None, Activation::Relu, Activation::Silu,
                                  Activation::GeluTanh, Activation::GeluErf}) {
      for (float beta : {0.0f, 1.0f, -0.5f}) {
        expect_gemm(isa, {.m = m, .n = n, .k = 19, .alpha = 0.3f, .beta = beta}, 1, 0);
        expect_gemm(isa,
                    {.m = m,
                     .n = n,
                     .k = 19,
                     .alpha = 0.3f,
                     .beta = beta,
                     .bias = bias.data(),
                     .row_bias = row_bias.data(),
                     .activation = activation,
                     .residual = residual.data()},
                    3, 1);
      }
    }
  }
}

TEST(Gemm, OuterBlocksMeetAndThreadsDoNotChangeBits) {
  const int64_t m = 1600;
  const int64_t n = 2100;
  const int64_t k = 20;
  const auto a = random_floats(m * k, 1);
  const auto b = random_floats(n * k, 2);
  for (Isa isa : machine_isas()) {
    std::vector<std::vector<float>> results;
    for (int threads : {1, 3}) {
      std::vector<float> c(m * n);
      const Gemm g{.m = m,
                   .n = n,
                   .k = k,
                   .a = {a.data(), k},
                   .b = {b.data(), n},
                   .c = c.data(),
                   .c_stride = n};
      Workspace workspace(gemm_workspace_bytes(isa, g));
      ThreadPool pool(threads);
      pool.run([&](Worker& worker) { gemm(isa, g, workspace.get(), worker); });
      results.push_back(std::move(c));
    }
    EXPECT_EQ(results[0], results[1]) << name(isa);
    for (int64_t at : {int64_t{0}, m * n - 1, 1599 * n + 3, 800 * n + 2099}) {
      double sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += double{a[at / n * k + p]} * b[p * n + at % n];
      EXPECT_NEAR(results[0][at], sum, 1e-5);
    }
  }
}

TEST(Gemm, WithoutDepthIsTheEpilogue) {
  float c[] = {1, 2, 3, 4};
  const float bias[] = {10, 20};
  Gemm g{.m = 2, .n = 2, .k = 0, .c = c, .c_stride = 2, .beta = 2, .bias = bias};
  Workspace workspace(gemm_workspace_bytes(best_isa(), g));
  gemm(best_isa(), g, workspace.get());
  EXPECT_EQ((std::vector<float>(c, c + 4)), (std::vector<float>{12, 24, 16, 28}));
}

}  // namespace
}  // namespace verge::kernels
