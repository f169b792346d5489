#pragma once
// The GGUF block formats: how quantized values lie in memory, byte for byte. `d` and `dmin` are
// fp16 bits. Values of a block are numbered 0..31 (small blocks) or 0..255 (super-blocks).
// Source: GGUF; the K formats by Kawrakow (2023), the ternary ones for BitNet b1.58 (2024).

#include <cstdint>

namespace verge::quant {

inline constexpr int kBlock = 32;
inline constexpr int kSuperBlock = 256;

/// x = d * (q - 8). Value j: low nibble of byte j; value j + 16: its high nibble.
struct BlockQ4_0 {
  uint16_t d;
  uint8_t nibbles[16];
};

/// x = d * q + m. Nibbles as in Q4_0.
struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t nibbles[16];
};

/// x = d * (q - 16). The fifth bit of value j is bit j of `fifth`, read as a little-endian u32.
struct BlockQ5_0 {
  uint16_t d;
  uint8_t fifth[4];
  uint8_t nibbles[16];
};

/// x = d * q + m. Bits as in Q5_0.
struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t fifth[4];
  uint8_t nibbles[16];
};

/// x = d * q.
struct BlockQ8_0 {
  uint16_t d;
  int8_t q[32];
};

/// x = d * q, for activations; s = fp16(d * sum of q) pairs with the minimums of Q4_1 and Q5_1.
struct BlockQ8_1 {
  uint16_t d;
  uint16_t s;
  int8_t q[32];
};

/// x = d * kIq4Values[q]. Nibbles as in Q4_0.
struct BlockIq4Nl {
  uint16_t d;
  uint8_t nibbles[16];
};

/// x = d * (scale - 32) * kIq4Values[q], one 6-bit scale for every 32 values (see iq4_xs_scale).
/// Values 32i..32i+31 lie in nibbles[16i..16i+15] as in Q4_0.
struct BlockIq4Xs {
  uint16_t d;
  uint16_t scales_high;   // bit pair i: upper two bits of scale i
  uint8_t scales_low[4];  // nibble i: lower four bits of scale i
  uint8_t nibbles[128];
};

/// x = d * scale * q - dmin * min, 16 values a sub-block. Two-bit fields: byte 32h + l holds values
/// 128h + l, + 32, + 64, + 96 at shifts 0, 2, 4, 6.
struct BlockQ2K {
  uint8_t scales[16];  // low nibble: scale, high nibble: min
  uint8_t pairs[64];
  uint16_t d;
  uint16_t dmin;
};

/// x = d * (scale - 32) * (q - 4), 16 values a sub-block. q's lower two bits lie as in Q2_K; its
/// third bit, of value 32g + l, is bit g of high[l].
struct BlockQ3K {
  uint8_t high[32];
  uint8_t pairs[64];
  uint8_t scales[12];  // see q3k_scales
  uint16_t d;
};

/// x = d * scale * q - dmin * min, 32 values a sub-block. Bytes 32i..32i+31 hold sub-block 2i in
/// their low and 2i + 1 in their high nibbles.
struct BlockQ4K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];  // see scale_min
  uint8_t nibbles[128];
};

/// As Q4_K; the fifth bit of value l of sub-block i is bit i of fifth[l].
struct BlockQ5K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t fifth[32];
  uint8_t nibbles[128];
};

/// x = d * scale * (q - 32), 16 values a sub-block. In each half h of 128 values, l in 0..31:
/// values l, l + 32, l + 64, l + 96 take the low nibbles of low[64h + l] and low[64h + l + 32],
/// then their high nibbles; their upper two bits are the bit pairs 0, 2, 4, 6 of high[32h + l].
struct BlockQ6K {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
};

/// x = d * q, for activations; sums[i] is the sum of q[16i..16i+15].
struct BlockQ8K {
  float d;
  int8_t q[256];
  int16_t sums[16];
};

/// x = d * (q - 1), q in 0..2 as base-3 digits: a byte is ceil(256 * n / 243) of the five-digit
/// fraction n, first digit first. Digit k of bytes[0..31] are values 32k.., of bytes[32..47] values
/// 160 + 16k..; digit k of tail[0..3] (four digits only) are values 240 + 4k...
struct BlockTq1_0 {
  uint8_t bytes[48];
  uint8_t tail[4];
  uint16_t d;
};

/// x = d * (q - 1). Two-bit fields as in Q2_K.
struct BlockTq2_0 {
  uint8_t pairs[64];
  uint16_t d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20);
static_assert(sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ8_1) == 36);
static_assert(sizeof(BlockIq4Nl) == 18 && sizeof(BlockIq4Xs) == 136);
static_assert(sizeof(BlockQ2K) == 84 && sizeof(BlockQ3K) == 110 && sizeof(BlockQ4K) == 144);
static_assert(sizeof(BlockQ5K) == 176 && sizeof(BlockQ6K) == 210 && sizeof(BlockQ8K) == 292);
static_assert(sizeof(BlockTq1_0) == 54 && sizeof(BlockTq2_0) == 66);

/// The 16 levels of IQ4_NL and IQ4_XS: denser near zero, as trained weights are.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

struct ScaleMin {
  uint8_t scale;
  uint8_t min;
};

/// Scale and min (6 bits each) of sub-block j = 0..7 from the 12 bytes of Q4_K and Q5_K.
inline ScaleMin scale_min(const uint8_t* scales, int j) {
  if (j < 4) {
    return {static_cast<uint8_t>(scales[j] & 63), static_cast<uint8_t>(scales[j + 4] & 63)};
  }
  return {static_cast<uint8_t>((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4),
          static_cast<uint8_t>((scales[j + 4] >> 4) | (scales[j] >> 6) << 4)};
}

/// The sixteen scales of Q3_K, 32 already subtracted: lower nibbles of bytes 0-7 belong to scales
/// 0-7, upper nibbles to 8-15; upper bit pairs lie in bytes 8-11 at shifts 0, 2, 4, 6.
inline void q3k_scales(const uint8_t* packed, int8_t* scales) {
  for (int j = 0; j < 16; ++j) {
    const int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
    const int high = (packed[8 + j % 4] >> (2 * (j / 4))) & 3;
    scales[j] = static_cast<int8_t>((low | high << 4) - 32);
  }
}

/// Scale i = 0..7 of IQ4_XS, 32 already subtracted.
inline int iq4_xs_scale(const BlockIq4Xs& block, int i) {
  const int low = (block.scales_low[i / 2] >> (4 * (i % 2))) & 15;
  const int high = (block.scales_high >> (2 * i)) & 3;
  return (low | high << 4) - 32;
}

}  // namespace verge::quant
