#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <sanitized.hpp>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/matmul.hpp>
#include <verge/engine/kernels/product_tile.hpp>
#include <verge/engine/quant/dequantize.hpp>

#include "weights.hpp"

namespace verge::kernels {
namespace {

struct Case {
  int64_t rows, blocks, tokens;
};

struct Prepared {
  ActivationKind kind;
  int64_t tokens, cols;
  AlignedBuffer memory;
  Activations view() const { return {kind, tokens, cols, memory.get()}; }
  // What the kernels are given, as numbers.
  double value(int64_t token, int64_t col) const {
    const std::byte* row = memory.get() + token * (activation_bytes(kind, tokens, cols) / tokens);
    if (kind == ActivationKind::Float32) return reinterpret_cast<const float*>(row)[col];
    if (kind == ActivationKind::BFloat16) {
      return bf16_to_f32(reinterpret_cast<const uint16_t*>(row)[col]);
    }
    const auto& block = reinterpret_cast<const ActivationBlock*>(row)[col / 32];
    return double{block.d} * block.q[col % 32];
  }
};

Prepared prepare(ThreadPool& pool, DType weights, const std::vector<float>& x, int64_t tokens,
                 Isa isa) {
  const int64_t cols = static_cast<int64_t>(x.size()) / tokens;
  Prepared prepared{activation_kind(weights), tokens, cols, nullptr};
  prepared.memory = allocate_aligned(activation_bytes(prepared.kind, tokens, cols));
  pool.run(
      [&](Worker& worker) { prepare_activations(x.data(), cols, prepared.view(), worker, isa); });
  return prepared;
}

// Largest error, relative to the sum of the magnitudes that were added up.
double error(const Weights& weights, const Prepared& x, const std::vector<float>& y, double scale) {
  double worst = 0;
  for (int64_t row = 0; row < weights.rows; ++row) {
    const std::vector<float> values = weights.row(row);
    for (int64_t token = 0; token < x.tokens; ++token) {
      double sum = 0, magnitude = 1e-20;
      for (int64_t col = 0; col < weights.cols; ++col) {
        const double term = double{values[col]} * x.value(token, col) * scale;
        sum += term;
        magnitude += std::fabs(term);
      }
      worst = std::max(worst, std::fabs(y[token * weights.rows + row] - sum) / magnitude);
    }
  }
  return worst;
}

class Matmul : public testing::TestWithParam<DType> {
 protected:
  ThreadPool pool_{2};

  std::vector<float> multiply(const Weights& weights, const Prepared& x, Isa isa) {
    const PackedWeights packed(weights, pool_);
    std::vector<float> y(x.tokens * weights.rows, NAN);
    const Product product{.weights = packed.view, .y = y.data(), .y_stride = weights.rows};
    pool_.run([&](Worker& worker) { matmul({&product, 1}, x.view(), worker, isa); });
    return y;
  }
};

TEST_P(Matmul, EveryIsaAgreesWithDoubles) {
  const Case cases[] = {{16, 1, 1},   {1, 1, 1},     {33, 3, 2},   {48, 2, 3},  {17, 5, 7},
                        {31, 2, 9},   {40, 3, 16},   {80, 2, 40},  {47, 3, 61}, {32, 17, 100},
                        {33, 1, 301}, {400, 1, 300}, {400, 1, 512}};
  uint64_t seed = 1;
  for (const Case& c : cases) {
    if (test::kSanitized && c.tokens > 300) continue;
    const Weights weights(GetParam(), c.rows, c.blocks, ++seed);
    const std::vector<float> x = random_floats(c.tokens * weights.cols, seed + 100);
    for (Isa isa : machine_isas()) {
      const Prepared prepared = prepare(pool_, GetParam(), x, c.tokens, isa);
      const std::vector<float> y = multiply(weights, prepared, isa);
      EXPECT_LT(error(weights, prepared, y, 1.0), 1e-5)
          << name(isa) << " " << c.rows << "x" << weights.cols << ", " << c.tokens << " tokens";
    }
  }
}

TEST_P(Matmul, ATokenDoesNotDependOnItsNeighbours) {
  const Weights weights(GetParam(), 80, 3, 5);
  const std::vector<float> x = random_floats(200 * weights.cols, 6);
  for (Isa isa : machine_isas()) {
    const std::vector<float> all = multiply(weights, prepare(pool_, GetParam(), x, 200, isa), isa);
    for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 17, 33, 64, 97, 120}) {
      const std::vector<float> some(x.end() - tokens * weights.cols, x.end());
      EXPECT_EQ(multiply(weights, prepare(pool_, GetParam(), some, tokens, isa), isa),
                std::vector<float>(all.end() - tokens * weights.rows, all.end()))
          << name(isa) << ", " << tokens << " tokens";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Matmul, testing::ValuesIn(packable_types()),
                         [](const auto& info) { return std::string(name(info.param)); });

double gated(Activation f, double g) {
  if (f == Activation::Silu) return g / (1 + std::exp(-g));
  return 0.5 * g * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (g + 0.044715 * g * g * g)));
}

TEST(MatmulEpilogue, AddsBiasAndResidualAndGates) {
  ThreadPool pool(2);
  const Weights up(DType::Q4_0, 37, 4, 1), gate(DType::Q4_0, 37, 4, 2);
  const PackedWeights packed_up(up, pool), packed_gate(gate, pool);
  const std::vector<float> bias = random_floats(37, 4);
  for (int64_t tokens : {1, 5, 70}) {
    const std::vector<float> x = random_floats(tokens * up.cols, 3);
    const std::vector<float> residual = random_floats(tokens * 37, 5);
    for (Isa isa : machine_isas()) {
      const Prepared prepared = prepare(pool, DType::Q4_0, x, tokens, isa);
      std::vector<float> plain_up(tokens * 37), plain_gate(tokens * 37);
      std::vector<float> apart(tokens * 37), in_place = residual;
      const Product plain[] = {
          {.weights = packed_up.view, .y = plain_up.data(), .y_stride = 37},
          {.weights = packed_gate.view, .y = plain_gate.data(), .y_stride = 37}};
      const auto fused = [&](Activation f, const float* added, std::vector<float>& y) {
        return Product{.weights = packed_up.view,
                       .y = y.data(),
                       .y_stride = 37,
                       .bias = bias.data(),
                       .residual = added,
                       .gate = &packed_gate.view,
                       .gate_activation = f};
      };
      const Product silu = fused(Activation::Silu, residual.data(), apart);
      const Product gelu = fused(Activation::GeluTanh, in_place.data(), in_place);
      pool.run([&](Worker& worker) {
        matmul(plain, prepared.view(), worker, isa);
        for (const Product* product : {&silu, &gelu}) {
          worker.sync();
          matmul({product, 1}, prepared.view(), worker, isa);
        }
      });
      for (size_t i = 0; i < residual.size(); ++i) {
        // Gelu of a negative gate is a small difference of large terms.
        const double sum = plain_up[i] + bias[i % 37];
        const double tolerance = 1e-6 * (1 + std::fabs(plain_gate[i])) * (1 + std::fabs(sum));
        EXPECT_NEAR(apart[i], residual[i] + gated(Activation::Silu, plain_gate[i]) * sum, tolerance)
            << name(isa);
        EXPECT_NEAR(in_place[i], residual[i] + gated(Activation::GeluTanh, plain_gate[i]) * sum,
                    tolerance)
            << name(isa);
      }
    }
  }
}

}  // namespace
}  // namespace verge::kernels
