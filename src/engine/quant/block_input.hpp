#pragma once
// BlockInput: one block's values and weights, ready for the searches of fit.hpp.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <verge/core/dtype.hpp>

namespace verge::quant {

/// N values divided by the power of two that brings the largest |x| into [1, 2): exact, and sums of
/// products of any finite input neither overflow nor vanish.
template <int N>
struct BlockInput {
  float x[N];
  float w[N];
  int exponent = 0;

  explicit BlockInput(const float* values) {
    float peak = 0;
    for (int i = 0; i < N; ++i) peak = std::max(peak, std::abs(values[i]));
    // Below 2^-126 the factor itself would overflow.
    exponent = peak > 0 ? std::max(std::ilogb(peak), -126) : 0;
    const float factor = std::ldexp(1.0f, -exponent);
    for (int i = 0; i < N; ++i) x[i] = values[i] * factor;
  }

  float mean_square() const {
    float sum = 0;
    for (int i = 0; i < N; ++i) sum += x[i] * x[i];
    return sum / N;
  }

  /// w = importance * sqrt(2 * mean x^2 + x^2): large weights matter more in a column that matters.
  /// False if the importance is 0 throughout; the caller then weighs as if there were none.
  bool weigh_by(const float* importance) {
    const float peak = importance ? *std::max_element(importance, importance + N) : 0.0f;
    if (!(peak > 0)) return false;
    const float base = 2 * mean_square();
    for (int i = 0; i < N; ++i) w[i] = importance[i] / peak * std::sqrt(base + x[i] * x[i]);
    return true;
  }

  /// w = sqrt(mean x^2) + |x|, the mean over each `group` values: for formats with a minimum.
  void weigh_by_magnitude(int group = N) {
    for (int first = 0; first < N; first += group) {
      float square = 0;
      for (int i = first; i < first + group; ++i) square += x[i] * x[i];
      const float base = std::sqrt(square / static_cast<float>(group));
      for (int i = first; i < first + group; ++i) w[i] = base + std::abs(x[i]);
    }
  }

  /// w = mean x^2 + x^2: for formats without one.
  void weigh_by_energy() {
    const float base = mean_square();
    for (int i = 0; i < N; ++i) w[i] = base + x[i] * x[i];
  }
};

/// A scale as fp16 stores it, and the value (in the block's normalized units) that it then has.
struct HalfScale {
  uint16_t bits;
  float value;
};

/// Rounds scale * 2^exponent to fp16, the largest finite one at most: infinity would decode to NaN.
inline HalfScale half_scale(float scale, int exponent) {
  constexpr float kLargest = 65504.0f;
  const uint16_t bits = f32_to_f16(std::clamp(std::ldexp(scale, exponent), -kLargest, kLargest));
  return {bits, std::ldexp(f16_to_f32(bits), -exponent)};
}

}  // namespace verge::quant
