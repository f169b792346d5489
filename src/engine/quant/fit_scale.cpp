#include <algorithm>
#include <cmath>

#include <verge/engine/quant/fit.hpp>
#include <verge/engine/quant/lanes.hpp>

namespace verge::quant {
namespace {

constexpr int kReach = 9;        // candidates on each side of the plain step,
constexpr float kStride = 0.1f;  // this many levels apart
constexpr int kRefinements = 4;

/// The best scale for the integers that `inverse` rounds to, and the weighted energy it explains:
/// the error is sum(w x^2) - gain.
struct Trial {
  float scale = 0;
  float gain = 0;
};

template <int N>
Trial try_inverse(const float* x, const float* w, float inverse, float low, float high) {
  Lanes sum_xq{};
  Lanes sum_qq{};
  for (int i = 0; i < N; i += kLanes) {
    const Lanes values = load(x + i);
    const Lanes q = clamp(round(values * inverse), low, high);
    const Lanes wq = load(w + i) * q;
    sum_xq += wq * values;
    sum_qq += wq * q;
  }
  const float xq = sum(sum_xq);
  const float qq = sum(sum_qq);
  if (!(qq > 0)) return {};
  return {xq / qq, xq * xq / qq};
}

float largest(const float* x, int count) {
  float best = 0;
  for (int i = 0; i < count; ++i) {
    if (std::abs(x[i]) > std::abs(best)) best = x[i];
  }
  return best;
}

}  // namespace

template <int N>
float fit_scale(const float* x, const float* w, int low, int high) {
  const float peak = largest(x, N);
  if (std::abs(peak) < 0x1p-100f) return 0;
  const float first = static_cast<float>(low);
  const float last = static_cast<float>(high);
  const float end = -first > last ? first : last;
  Trial best;
  for (int k = -kReach; k <= kReach; ++k) {
    const float reach = end + std::copysign(kStride, end) * static_cast<float>(k);
    const Trial trial = try_inverse<N>(x, w, reach / peak, first, last);
    if (trial.gain > best.gain) best = trial;
  }
  for (int i = 0; i < kRefinements && best.scale != 0; ++i) {
    const Trial trial = try_inverse<N>(x, w, 1 / best.scale, first, last);
    if (!(trial.gain > best.gain)) break;
    best = trial;
  }
  return best.scale;
}

template float fit_scale<8>(const float*, const float*, int, int);
template float fit_scale<16>(const float*, const float*, int, int);
template float fit_scale<32>(const float*, const float*, int, int);

}  // namespace verge::quant
