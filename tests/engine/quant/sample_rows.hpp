#pragma once
// Seeded rows that any machine can rebuild exactly: sums of uniform draws, no library functions.

#include <cstdint>
#include <vector>

#include <verge/core/rng.hpp>

namespace verge::quant {

inline constexpr int64_t kSampleColumns = 1024;
inline constexpr int64_t kSampleRows = 32;

/// Nearly Gaussian (sum of 12 uniforms), standard deviation about 0.05, as trained weights are.
inline std::vector<float> gaussian_rows() {
  Rng rng(1, 0);
  std::vector<float> x(kSampleRows * kSampleColumns);
  for (float& value : x) {
    float sum = -6;
    for (int i = 0; i < 12; ++i) sum += rng.uniform();
    value = 0.05f * sum;
  }
  return x;
}

/// Heavy tails: a Gaussian draw cubed, times a magnitude that differs by row, mean not zero.
inline std::vector<float> heavy_rows() {
  std::vector<float> x = gaussian_rows();
  for (size_t i = 0; i < x.size(); ++i) {
    const float g = 20 * x[i];
    const float magnitude = 0.01f * static_cast<float>(1 + i / kSampleColumns % 7);
    x[i] = magnitude * (g * g * g + 0.5f * g + 0.1f);
  }
  return x;
}

/// Importance of columns: uniform draws to the fourth power, with a few columns that dominate.
inline std::vector<float> column_importance() {
  Rng rng(1, 1);
  std::vector<float> weights(kSampleColumns);
  for (size_t i = 0; i < weights.size(); ++i) {
    const float u = rng.uniform();
    weights[i] = u * u * u * u + 1e-3f;
    if (i % 97 == 0) weights[i] += 10;
  }
  return weights;
}

}  // namespace verge::quant
