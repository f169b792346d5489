#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/fit_levels.hpp>
#include <verge/engine/quant/search_scale.hpp>

namespace verge::quant {
namespace {

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

}  // namespace

float fit_iq4_scale(const float* x, const float* w) {
  constexpr Sweep kSweeps[] = {{kIq4Values[0], 2, 4}, {kIq4Values[15], 2, 4}};
  return search_scale<kBlock>(x, w, kSweeps, nearest_level);
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
