#pragma once
// The search behind fit_scale and fit_iq4_scale: they differ in how a quotient becomes a level.

#include <cmath>
#include <span>

#include <verge/engine/quant/lanes.hpp>

namespace verge::quant {

/// Candidate levels for the largest |x|: end + k * stride, k = -reach..reach.
struct Sweep {
  float end;
  float stride;
  int reach;
};

/// The best scale for the levels that one inverse scale rounds to, and the weighted energy it
/// explains: the error is sum(w x^2) - gain.
struct ScaleTrial {
  float scale = 0;
  float gain = 0;
};

template <int N, typename Level>
ScaleTrial try_inverse(const float* x, const float* w, float inverse, Level level) {
  Lanes sum_xq{};
  Lanes sum_qq{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes values = load(x + i);
    const Lanes q = level(values * inverse);
    const Lanes wq = load(w + i) * q;
    sum_xq += wq * values;
    sum_qq += wq * q;
  }
  const float xq = sum(sum_xq);
  const float qq = sum(sum_qq);
  if (!(qq > 0)) return {};
  return {xq / qq, xq * xq / qq};
}

/// The scale of largest gain over all sweeps, then improved by alternating rounding and least
/// squares while that helps. `level` maps Lanes of x / scale to Lanes of levels.
template <int N, typename Level>
float search_scale(const float* x, const float* w, std::span<const Sweep> sweeps, Level level) {
  constexpr int kRefinements = 4;
  float peak = 0;
  for (int i = 0; i < N; ++i) {
    if (std::abs(x[i]) > std::abs(peak)) peak = x[i];
  }
  if (std::abs(peak) < 0x1p-100f) return 0;
  ScaleTrial best;
  const auto consider = [&](float inverse) {
    const ScaleTrial trial = try_inverse<N>(x, w, inverse, level);
    if (!(trial.gain > best.gain)) return false;
    best = trial;
    return true;
  };
  for (const Sweep& sweep : sweeps) {
    for (int k = -sweep.reach; k <= sweep.reach; ++k) {
      consider((sweep.end + sweep.stride * static_cast<float>(k)) / peak);
    }
  }
  for (int i = 0; i < kRefinements && best.scale != 0; ++i) {
    if (!consider(1 / best.scale)) break;
  }
  return best.scale;
}

}  // namespace verge::quant
