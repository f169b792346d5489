#pragma once
// GroupCodec: a row of values in groups of 64, each an fp16 scale and whole numbers of 8 or 4 bits,
// little-endian. Stateless.
//
//   if (!GroupCodec<8, false>::encode(row, bytes)) ...  // NaN, infinite or too great
//
// The scale is the value farthest from zero, divided by -128 or -8: that one is hit exactly (but
// for the rounding of the scale) and all 256 or 16 levels are used, which for normally distributed
// values leaves 12 % less error at 4 bits than levels that are symmetric about zero. Rows do not
// share groups: packed rows can be cut and joined.

#include <cstddef>
#include <cstdint>
#include <span>

namespace verge::net {

constexpr int kGroupValues = 64;

/// With is_rotated, each group is multiplied by the orthonormal Hadamard matrix of order 64 first,
/// which spreads outliers over the group (Ashkboos et al. 2024, QuaRot). The last group of a row
/// whose width is no multiple of 64 is short; a rotated one is filled up with zeros.
template <int kBits, bool is_rotated>
struct GroupCodec {
  static_assert(kBits == 8 || kBits == 4);
  /// Bytes of a row of `width` values.
  static int64_t row_bytes(int64_t width);
  /// Writes row_bytes(row.size()) bytes. False, and anything written, where a value is not finite
  /// or beyond what the greatest fp16 scale reaches (8.4e6 for 8 bits, 5.2e5 for 4).
  static bool encode(std::span<const float> row, std::byte* out);
  /// Reads as many. False where a scale is not finite.
  static bool decode(const std::byte* in, std::span<float> row);
};

extern template struct GroupCodec<8, false>;
extern template struct GroupCodec<4, false>;
extern template struct GroupCodec<4, true>;

}  // namespace verge::net
