#include <algorithm>
#include <bit>
#include <cmath>

#include <verge/engine/graph/dynamic_code.hpp>

namespace verge::graph {

const DynamicCode& DynamicCode::of_signed() {
  static const DynamicCode code(7);
  return code;
}

const DynamicCode& DynamicCode::of_unsigned() {
  static const DynamicCode code(8);
  return code;
}

DynamicCode::DynamicCode(int bits) : values_{0.0f} {
  for (int decade = bits - 2; decade >= 0; --decade) {  // powers of ten below 1, smallest first
    const int levels = 1 << (bits - 1 - decade);
    for (int i = 0; i < levels; ++i) {
      values_.push_back(
          static_cast<float>(std::pow(10.0, -decade) * (0.1 + 0.9 * (i + 0.5) / levels)));
    }
  }
  values_.push_back(1.0f);
  for (size_t i = 0; i + 1 < values_.size(); ++i) {
    midpoints_.push_back((values_[i] + values_[i + 1]) / 2);
  }
  for (uint32_t key = 0; key < kKeys; ++key) {
    const float lowest = key == 0 ? 0.0f : std::bit_cast<float>((kFirstKey + key) << kShift);
    first_code_[key] =
        static_cast<uint8_t>(std::ranges::upper_bound(midpoints_, lowest) - midpoints_.begin());
  }
}

int DynamicCode::encode(float magnitude) const {
  const uint32_t key = std::bit_cast<uint32_t>(magnitude) >> kShift;
  const uint32_t entry = key <= kFirstKey ? 0 : std::min(key - kFirstKey, kKeys - 1);
  size_t code = first_code_[entry];
  while (code < midpoints_.size() && midpoints_[code] <= magnitude) ++code;
  return static_cast<int>(code);
}

}  // namespace verge::graph
