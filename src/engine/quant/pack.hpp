#pragma once
// Packing the integers of a super-block into the bytes of its format; blocks.hpp says what lies
// where. The values q are >= 0 and fit their fields.

#include <cstdint>

namespace verge::quant {

/// Two-bit fields of Q2_K, Q3_K and TQ2_0: the lower two bits of 256 values, into 64 bytes.
void pack_pairs(const int8_t* q, uint8_t* pairs);

/// Nibbles of Q4_K and Q5_K: the lower four bits of 256 values, into 128 bytes.
void pack_nibble_rows(const int8_t* q, uint8_t* nibbles);

/// One bit of each of 256 values, into 32 bytes: bit g of byte l is bit `bit` of value 32g + l.
void pack_bit_rows(const int8_t* q, int bit, uint8_t* bits);

/// Eight 6-bit scales and eight 6-bit mins of Q4_K and Q5_K, into 12 bytes.
void pack_scale_min(const int8_t* scales, const int8_t* mins, uint8_t* packed);

/// Sixteen scales of Q3_K, each in [-32, 31], into 12 bytes.
void pack_q3k_scales(const int8_t* scales, uint8_t* packed);

/// 256 six-bit values of Q6_K, into 128 bytes of nibbles and 64 of bit pairs.
void pack_q6k(const int8_t* q, uint8_t* low, uint8_t* high);

}  // namespace verge::quant
