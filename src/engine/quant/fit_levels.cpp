#include <cmath>
#include <initializer_list>

#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/fit_levels.hpp>
#include <verge/engine/quant/lanes.hpp>

namespace verge::quant {
namespace {

// Candidates put the largest |x| up to this many units beside the first or the last level.
constexpr int kReach = 8;
constexpr int kStride = 2;

struct Trial {
  float scale = 0;
  float gain = 0;
};

/// The level nearest to each x: the lowest one plus the steps whose midpoint x has passed.
Lanes nearest_level(Lanes x) {
  Lanes level = Lanes{} + kIq4Values[0];
  for (int i = 1; i < 16; ++i) {
    const float midpoint = 0.5f * static_cast<float>(kIq4Values[i - 1] + kIq4Values[i]);
    const Lanes step = Lanes{} + static_cast<float>(kIq4Values[i] - kIq4Values[i - 1]);
    level += x > midpoint ? step : Lanes{};
  }
  return level;
}

Trial try_inverse(const float* x, const float* w, float inverse) {
  Lanes sum_xq{};
  Lanes sum_qq{};
  for (int i = 0; i < kBlock; i += kLanes) {
    const Lanes q = nearest_level(load(x + i) * inverse);
    const Lanes wq = load(w + i) * q;
    sum_xq += wq * load(x + i);
    sum_qq += wq * q;
  }
  const float xq = sum(sum_xq);
  const float qq = sum(sum_qq);
  if (!(qq > 0)) return {};
  return {xq / qq, xq * xq / qq};
}

}  // namespace

float fit_iq4_scale(const float* x, const float* w) {
  float peak = 0;
  for (int i = 0; i < kBlock; ++i) {
    if (std::abs(x[i]) > std::abs(peak)) peak = x[i];
  }
  if (std::abs(peak) < 0x1p-100f) return 0;
  Trial best;
  for (const int8_t end : {kIq4Values[0], kIq4Values[15]}) {
    for (int k = -kReach; k <= kReach; k += kStride) {
      const Trial trial = try_inverse(x, w, static_cast<float>(end + k) / peak);
      if (trial.gain > best.gain) best = trial;
    }
  }
  for (int i = 0; i < 4 && best.scale != 0; ++i) {
    const Trial trial = try_inverse(x, w, 1 / best.scale);
    if (!(trial.gain > best.gain)) break;
    best = trial;
  }
  return best.scale;
}

void assign_iq4(const float* x, float scale, int8_t* q) {
  const float inverse = scale != 0 ? 1 / scale : 0;
  for (int j = 0; j < kBlock; ++j) {
    int level = 0;
    while (level < 15 &&
           x[j] * inverse > 0.5f * static_cast<float>(kIq4Values[level] + kIq4Values[level + 1])) {
      ++level;
    }
    q[j] = static_cast<int8_t>(level);
  }
}

}  // namespace verge::quant
