#include <algorithm>
#include <cmath>

#include <verge/engine/nn/value_range.hpp>

namespace verge::nn {

void ValueRange::add(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
}

float ValueRange::magnitude() const {
  return std::max(-low, high);
}

}  // namespace verge::nn
