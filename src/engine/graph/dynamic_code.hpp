#pragma once
// DynamicCode: magnitudes up to 1 as small whole numbers, finer where they are larger: 0, then for
// each power of ten half as many evenly spaced values as for the next larger one, and 1 (dynamic
// tree quantization, Dettmers et al. 2022, section 1.3). Optimizer moments keep their ratio over
// six or seven powers of ten in 8 bits. Immutable.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace verge::graph {

class DynamicCode {
 public:
  /// 7 bits beside a sign (first moments), or 8 (second moments).
  static const DynamicCode& of_signed();
  static const DynamicCode& of_unsigned();

  /// How many codes there are; code 0 is 0, the last one is 1.
  int size() const { return static_cast<int>(values_.size()); }
  float decode(int code) const { return values_[static_cast<size_t>(code)]; }
  /// The nearest code of a magnitude in [0, 1].
  int encode(float magnitude) const;

 private:
  explicit DynamicCode(int bits);

  // Magnitudes whose first bits (exponent and five of the mantissa) agree share an entry: the first
  // code that any of them has.
  static constexpr uint32_t kShift = 18, kFirstKey = 0x33800000u >> kShift;  // of 2^-24
  static constexpr uint32_t kKeys = (0x3F800000u >> kShift) - kFirstKey + 1;

  std::vector<float> values_, midpoints_;  // ascending; midpoint i is between codes i and i + 1
  std::array<uint8_t, kKeys> first_code_{};
};

/// Values in a block that share a scale, their largest magnitude.
constexpr int64_t kMomentBlock = 256;

}  // namespace verge::graph
