// Ternary super-blocks: TQ1_0 (base-3 digits) and TQ2_0 (bit pairs).

#include <verge/engine/quant/decoders.hpp>
#include <verge/engine/quant/each_block.hpp>

namespace verge::quant {
namespace {

constexpr uint8_t kPowersOf3[] = {1, 3, 9, 27, 81};

/// Digit k of a base-3 fraction held in a byte: shift the digits before it out (modulo 256), then
/// the next one is the integer part of three times the fraction.
int digit(uint8_t fraction, int k) {
  const uint8_t rest = static_cast<uint8_t>(fraction * kPowersOf3[k]);
  return (rest * 3) >> 8;
}

/// Writes `digits` groups of `bytes` values: all first digits, then all second ones, ...
float* decode_digits(const uint8_t* fractions, int bytes, int digits, float d, float* x) {
  for (int k = 0; k < digits; ++k) {
    for (int i = 0; i < bytes; ++i) *x++ = static_cast<float>(digit(fractions[i], k) - 1) * d;
  }
  return x;
}

}  // namespace

void decode_tq1_0(const void* blocks, float* out, int64_t count) {
  each_block<BlockTq1_0, kSuperBlock>(blocks, out, count, [](const BlockTq1_0& block, float* x) {
    const float d = f16_to_f32(block.d);
    x = decode_digits(block.bytes, 32, 5, d, x);
    x = decode_digits(block.bytes + 32, 16, 5, d, x);
    decode_digits(block.tail, 4, 4, d, x);
  });
}

void decode_tq2_0(const void* blocks, float* out, int64_t count) {
  each_block<BlockTq2_0, kSuperBlock>(blocks, out, count, [](const BlockTq2_0& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int i = 0; i < kSuperBlock; ++i) {
      const int q = (block.pairs[i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4))) & 3;
      x[i] = static_cast<float>(q - 1) * d;
    }
  });
}

}  // namespace verge::quant
