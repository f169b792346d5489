#pragma once
// Lanes: four floats, the widest vector that every machine Verge runs on has (SSE2, NEON). Sums are
// taken in one fixed order, so results are the same on every machine without fused multiply-add.

#include <cstring>

namespace verge::quant {

using Lanes = float __attribute__((vector_size(16)));
inline constexpr int kLanes = 4;

inline Lanes load(const float* x) {
  Lanes lanes;
  std::memcpy(&lanes, x, sizeof(lanes));
  return lanes;
}

inline void store(float* x, Lanes lanes) {
  std::memcpy(x, &lanes, sizeof(lanes));
}

/// Round to nearest even, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for the fraction.
inline Lanes round(Lanes x) {
  constexpr float kMagic = 12582912.0f;
  return (x + kMagic) - kMagic;
}

inline Lanes clamp(Lanes x, float low, float high) {
  const Lanes lows = Lanes{} + low;
  const Lanes highs = Lanes{} + high;
  x = x < lows ? lows : x;
  return x > highs ? highs : x;
}

inline Lanes absolute(Lanes x) {
  return x < 0 ? -x : x;
}

inline float sum(Lanes x) {
  return (x[0] + x[2]) + (x[1] + x[3]);
}

}  // namespace verge::quant
