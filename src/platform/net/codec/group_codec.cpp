#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <verge/core/dtype.hpp>
#include <verge/platform/net/codec/group_codec.hpp>

namespace verge::net {
namespace {

static_assert(std::endian::native == std::endian::little, "the wire is little-endian");

constexpr float kGreatestHalf = 65504.0f;
constexpr int64_t kScaleBytes = 2;

// The fast Walsh-Hadamard transform, orthonormal: its own inverse.
void rotate(float (&group)[kGroupValues]) {
  for (int half = 1; half < kGroupValues; half *= 2) {
    for (int block = 0; block < kGroupValues; block += 2 * half) {
      for (int i = block; i < block + half; ++i) {
        const float sum = group[i] + group[i + half];
        group[i + half] = group[i] - group[i + half];
        group[i] = sum;
      }
    }
  }
  for (float& value : group) value *= 0.125f;
}

// The scale's bits; false where a value is not finite or beyond the greatest scale. A scale that
// rounding to fp16 made so small that the extreme would be cut off is the next greater one.
bool choose_scale(const float (&group)[kGroupValues], int levels, uint16_t& bits) {
  const float limit = kGreatestHalf * static_cast<float>(levels);
  float least = 0, greatest = 0;
  bool fits = true;
  for (const float value : group) {
    fits &= std::abs(value) <= limit;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  const float extreme = -least > greatest ? least : greatest;
  bits = extreme == 0 ? 0 : f32_to_f16(extreme / static_cast<float>(-levels));
  const float reached = std::abs(f16_to_f32(bits)) * (static_cast<float>(levels) + 0.5f);
  if (fits && reached < std::abs(extreme)) ++bits;
  return fits;
}

// Rounds to the nearest even whole number by adding 1.5 * 2^23, which compilers vectorise.
int round_code(float scaled) {
  return std::bit_cast<int32_t>(scaled + 12582912.0f) - 0x4B400000;
}

int64_t code_bytes(int bits, int64_t count) {
  return bits == 8 ? count : (count + 1) / 2;
}

void write_codes(const int8_t (&codes)[kGroupValues], int bits, int64_t count, std::byte* out) {
  if (bits == 8) {
    std::memcpy(out, codes, static_cast<size_t>(count));
    return;
  }
  for (int64_t i = 0; i < (count + 1) / 2; ++i) {
    out[i] = static_cast<std::byte>((codes[2 * i] & 15) | (codes[2 * i + 1] & 15) << 4);
  }
}

void read_codes(const std::byte* in, int bits, int64_t count, int8_t (&codes)[kGroupValues]) {
  if (bits == 8) {
    std::memcpy(codes, in, static_cast<size_t>(count));
    return;
  }
  for (int64_t i = 0; i < (count + 1) / 2; ++i) {
    const auto pair = static_cast<int>(in[i]);
    codes[2 * i] = static_cast<int8_t>((pair & 15) - (pair & 8) * 2);
    codes[2 * i + 1] = static_cast<int8_t>((pair >> 4) - (pair & 128) / 8);
  }
}

}  // namespace

template <int kBits, bool is_rotated>
int64_t GroupCodec<kBits, is_rotated>::row_bytes(int64_t width) {
  const int64_t whole = width / kGroupValues;
  const int64_t rest = width % kGroupValues;
  const int64_t whole_bytes = whole * (kScaleBytes + code_bytes(kBits, kGroupValues));
  if (rest == 0) return whole_bytes;
  return whole_bytes + kScaleBytes + code_bytes(kBits, is_rotated ? kGroupValues : rest);
}

template <int kBits, bool is_rotated>
bool GroupCodec<kBits, is_rotated>::encode(std::span<const float> row, std::byte* out) {
  constexpr int kLevels = 1 << (kBits - 1);
  bool fits = true;
  for (size_t at = 0; at < row.size(); at += kGroupValues) {
    const size_t count = std::min<size_t>(kGroupValues, row.size() - at);
    float group[kGroupValues] = {};
    std::copy_n(row.begin() + static_cast<ptrdiff_t>(at), count, group);
    if constexpr (is_rotated) rotate(group);
    uint16_t scale = 0;
    if (!choose_scale(group, kLevels, scale)) fits = false;
    const float width = f16_to_f32(scale);
    const float inverse = fits && width != 0 ? 1 / width : 0;
    int8_t codes[kGroupValues] = {};
    for (int i = 0; i < kGroupValues && fits; ++i) {
      codes[i] =
          static_cast<int8_t>(std::clamp(round_code(group[i] * inverse), -kLevels, kLevels - 1));
    }
    const auto stored = static_cast<int64_t>(is_rotated ? kGroupValues : count);
    std::memcpy(out, &scale, kScaleBytes);
    write_codes(codes, kBits, stored, out + kScaleBytes);
    out += kScaleBytes + code_bytes(kBits, stored);
  }
  return fits;
}

template <int kBits, bool is_rotated>
bool GroupCodec<kBits, is_rotated>::decode(const std::byte* in, std::span<float> row) {
  bool is_finite = true;
  for (size_t at = 0; at < row.size(); at += kGroupValues) {
    const size_t count = std::min<size_t>(kGroupValues, row.size() - at);
    const auto stored = static_cast<int64_t>(is_rotated ? kGroupValues : count);
    uint16_t scale = 0;
    std::memcpy(&scale, in, kScaleBytes);
    int8_t codes[kGroupValues] = {};
    read_codes(in + kScaleBytes, kBits, stored, codes);
    in += kScaleBytes + code_bytes(kBits, stored);
    const float width = f16_to_f32(scale);
    is_finite &= std::isfinite(width);
    float group[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) group[i] = static_cast<float>(codes[i]) * width;
    if constexpr (is_rotated) rotate(group);
    std::copy_n(group, count, row.begin() + static_cast<ptrdiff_t>(at));
  }
  return is_finite;
}

template struct GroupCodec<8, false>;
template struct GroupCodec<4, false>;
template struct GroupCodec<4, true>;

}  // namespace verge::net
