#include <algorithm>

#include <verge/engine/quant/pack.hpp>

namespace verge::quant {

void pack_pairs(const int8_t* q, uint8_t* pairs) {
  for (int half = 0; half < 2; ++half) {
    const int8_t* x = q + 128 * half;
    for (int l = 0; l < 32; ++l) {
      pairs[32 * half + l] = static_cast<uint8_t>((x[l] & 3) | (x[l + 32] & 3) << 2 |
                                                  (x[l + 64] & 3) << 4 | (x[l + 96] & 3) << 6);
    }
  }
}

void pack_nibble_rows(const int8_t* q, uint8_t* nibbles) {
  for (int i = 0; i < 4; ++i) {
    const int8_t* x = q + 64 * i;
    for (int l = 0; l < 32; ++l) {
      nibbles[32 * i + l] = static_cast<uint8_t>((x[l] & 15) | (x[l + 32] & 15) << 4);
    }
  }
}

void pack_bit_rows(const int8_t* q, int bit, uint8_t* bits) {
  std::fill_n(bits, 32, uint8_t{0});
  for (int g = 0; g < 8; ++g) {
    for (int l = 0; l < 32; ++l) {
      bits[l] = static_cast<uint8_t>(bits[l] | ((q[32 * g + l] >> bit) & 1) << g);
    }
  }
}

void pack_scale_min(const int8_t* scales, const int8_t* mins, uint8_t* packed) {
  for (int j = 0; j < 4; ++j) {
    packed[j] = static_cast<uint8_t>((scales[j] & 63) | (scales[j + 4] >> 4) << 6);
    packed[j + 4] = static_cast<uint8_t>((mins[j] & 63) | (mins[j + 4] >> 4) << 6);
    packed[j + 8] = static_cast<uint8_t>((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
  }
}

void pack_q3k_scales(const int8_t* scales, uint8_t* packed) {
  std::fill_n(packed, 12, uint8_t{0});
  for (int j = 0; j < 16; ++j) {
    const int value = scales[j] + 32;
    packed[j % 8] = static_cast<uint8_t>(packed[j % 8] | (value & 15) << (j / 8 * 4));
    packed[8 + j % 4] = static_cast<uint8_t>(packed[8 + j % 4] | (value >> 4) << (j / 4 * 2));
  }
}

void pack_q6k(const int8_t* q, uint8_t* low, uint8_t* high) {
  for (int half = 0; half < 2; ++half) {
    const int8_t* x = q + 128 * half;
    for (int l = 0; l < 64; ++l) {
      low[64 * half + l] = static_cast<uint8_t>((x[l] & 15) | (x[l + 64] & 15) << 4);
    }
    for (int l = 0; l < 32; ++l) {
      high[32 * half + l] = static_cast<uint8_t>((x[l] >> 4) | (x[l + 32] >> 4) << 2 |
                                                 (x[l + 64] >> 4) << 4 | (x[l + 96] >> 4) << 6);
    }
  }
}

}  // namespace verge::quant
