#include <cmath>
#include <complex>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/rope.hpp>

#include "expect_close.hpp"
#include "random_data.hpp"

namespace verge::kernels {
namespace {

TEST(Rope, TurnsPairsAsComplexNumbersDo) {
  const int64_t rows = 5, heads = 3, head_dim = 24, dims = 16, stride = 80;
  const int32_t positions[] = {0, 1, 7, 1000, 31000};
  const RopeParams params{.dims = dims, .base = 500000};
  std::vector<float> angles(rows * dims);
  rope_angles(params, positions, rows, angles.data());
  for (Isa isa : machine_isas()) {
    for (RopePairs pairs : {RopePairs::Interleaved, RopePairs::Halves}) {
      const auto x = random_floats(rows * stride, 1);
      auto y = x;
      std::vector<double> want = doubles(x);
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t at = row * stride; at < row * stride + heads * head_dim; at += head_dim) {
          for (int64_t i = 0; i < dims / 2; ++i) {
            const int64_t a = pairs == RopePairs::Interleaved ? at + 2 * i : at + i;
            const int64_t b = pairs == RopePairs::Interleaved ? a + 1 : a + dims / 2;
            const double angle = positions[row] * std::pow(500000.0, -2.0 * i / dims);
            const auto z = std::complex<double>(x[a], x[b]) * std::polar(1.0, angle);
            want[a] = z.real();
            want[b] = z.imag();
          }
        }
      }
      Rope turn{pairs, rows, heads, head_dim, dims, stride, false};
      on_two_workers([&](Worker& w) { rope(isa, turn, y.data(), angles.data(), nullptr, w); });
      expect_close(y, want, 1e-6, "turned");
      turn.inverse = true;
      on_two_workers([&](Worker& w) { rope(isa, turn, y.data(), angles.data(), nullptr, w); });
      expect_close(y, doubles(x), 1e-6, "turned back");
    }
  }
}

TEST(Rope, RowsMayShareAngles) {
  const int32_t positions[] = {4, 9};
  const int32_t rows[] = {1, 0, 1};
  std::vector<float> angles(2 * 4), x(3 * 4, 1.0f);
  rope_angles({.dims = 4}, positions, 2, angles.data());
  on_two_workers([&](Worker& worker) {
    rope(best_isa(), {RopePairs::Halves, 3, 1, 4, 4}, x.data(), angles.data(), rows, worker);
  });
  EXPECT_EQ(x[0], x[8]);
  EXPECT_NEAR(x[0], std::cos(9.0) - std::sin(9.0), 1e-6);
  EXPECT_NEAR(x[4], std::cos(4.0) - std::sin(4.0), 1e-6);
}

// Llama 3.1: factor 8, low 1, high 4, 8192 tokens. Waves shorter than 2048 stay, longer than 8192
// are stretched 8 times, and between them the share grows evenly in turns.
TEST(Rope, Llama3StretchesLongWavesOnly) {
  RopeParams p{.dims = 128,
               .base = 500000,
               .scaling = RopeScaling::Llama3,
               .factor = 8,
               .original_context = 8192};
  std::vector<double> got(64);
  EXPECT_EQ(rope_frequencies(p, got.data()), 1);
  for (int i = 0; i < 64; ++i) {
    const double plain = std::pow(500000.0, -i / 64.0);
    const double wave = 2 * M_PI / plain;
    double want = plain;
    if (wave > 8192) {
      want = plain / 8;
    } else if (wave > 2048) {
      const double smooth = (8192 / wave - 1) / 3;
      want = (1 - smooth) * plain / 8 + smooth * plain;
    }
    EXPECT_NEAR(got[i], want, 1e-12 * want) << i;
  }
}

// YaRN for a 4096-token model of 128 dimensions, base 10000, stretched 16 times: pairs up to 20
// keep their frequency, pairs from 46 on are divided by 16 (floor and ceiling of section 3.2's
// bounds).
TEST(Rope, YarnInterpolatesByParts) {
  const RopeParams p{.dims = 128,
                     .base = 10000,
                     .scaling = RopeScaling::Yarn,
                     .factor = 16,
                     .original_context = 4096};
  std::vector<double> got(64);
  EXPECT_NEAR(rope_frequencies(p, got.data()), 0.1 * std::log(16.0) + 1, 1e-12);
  for (int i = 0; i < 64; ++i) {
    const double plain = std::pow(10000.0, -i / 64.0);
    const double share = std::clamp((i - 20) / 26.0, 0.0, 1.0);
    EXPECT_NEAR(got[i], plain * (1 - share) + plain / 16 * share, 1e-12) << i;
  }
}

TEST(Rope, LinearAndDivisorsDivide) {
  const float divisors[] = {1, 2};
  double got[2];
  rope_frequencies({.dims = 4, .scaling = RopeScaling::Linear, .factor = 4, .divisors = divisors},
                   got);
  EXPECT_NEAR(got[0], 0.25, 1e-15);
  EXPECT_NEAR(got[1], 0.01 / 8, 1e-15);
}

}  // namespace
}  // namespace verge::kernels
