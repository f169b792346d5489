// Super-blocks of 256 values whose sub-blocks have scales of their own: the K types and IQ4_XS.

#include <verge/engine/quant/decoders.hpp>
#include <verge/engine/quant/each_block.hpp>

namespace verge::quant {
namespace {

/// The two-bit field of value i (layout of Q2_K).
int pair_of(const uint8_t* pairs, int i) {
  return (pairs[i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4))) & 3;
}

}  // namespace

void decode_q2_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ2K, kSuperBlock>(blocks, out, count, [](const BlockQ2K& block, float* x) {
    const float d = f16_to_f32(block.d);
    const float dmin = f16_to_f32(block.dmin);
    for (int g = 0; g < 16; ++g) {
      const float scale = d * static_cast<float>(block.scales[g] & 15);
      const float min = dmin * static_cast<float>(block.scales[g] >> 4);
      for (int i = 16 * g; i < 16 * g + 16; ++i) {
        x[i] = scale * static_cast<float>(pair_of(block.pairs, i)) - min;
      }
    }
  });
}

void decode_q3_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ3K, kSuperBlock>(blocks, out, count, [](const BlockQ3K& block, float* x) {
    int8_t scales[16];
    q3k_scales(block.scales, scales);
    const float d = f16_to_f32(block.d);
    for (int g = 0; g < 16; ++g) {
      const float scale = d * static_cast<float>(scales[g]);
      for (int i = 16 * g; i < 16 * g + 16; ++i) {
        const int third = ((block.high[i % 32] >> (i / 32)) & 1) << 2;
        x[i] = scale * static_cast<float>((pair_of(block.pairs, i) | third) - 4);
      }
    }
  });
}

void decode_q4_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ4K, kSuperBlock>(blocks, out, count, [](const BlockQ4K& block, float* x) {
    const float d = f16_to_f32(block.d);
    const float dmin = f16_to_f32(block.dmin);
    for (int g = 0; g < 8; ++g) {
      const ScaleMin packed = scale_min(block.scales, g);
      const float scale = d * static_cast<float>(packed.scale);
      const float min = dmin * static_cast<float>(packed.min);
      const uint8_t* nibbles = block.nibbles + g / 2 * 32;
      const int shift = g % 2 * 4;
      for (int l = 0; l < 32; ++l) {
        x[32 * g + l] = scale * static_cast<float>((nibbles[l] >> shift) & 15) - min;
      }
    }
  });
}

void decode_q5_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ5K, kSuperBlock>(blocks, out, count, [](const BlockQ5K& block, float* x) {
    const float d = f16_to_f32(block.d);
    const float dmin = f16_to_f32(block.dmin);
    for (int g = 0; g < 8; ++g) {
      const ScaleMin packed = scale_min(block.scales, g);
      const float scale = d * static_cast<float>(packed.scale);
      const float min = dmin * static_cast<float>(packed.min);
      const uint8_t* nibbles = block.nibbles + g / 2 * 32;
      const int shift = g % 2 * 4;
      for (int l = 0; l < 32; ++l) {
        const int fifth = ((block.fifth[l] >> g) & 1) << 4;
        x[32 * g + l] = scale * static_cast<float>(((nibbles[l] >> shift) & 15) | fifth) - min;
      }
    }
  });
}

void decode_q6_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ6K, kSuperBlock>(blocks, out, count, [](const BlockQ6K& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int g = 0; g < 16; ++g) {
      const float scale = d * static_cast<float>(block.scales[g]);
      const int half = g / 8;
      const int quarter = g / 2 % 4;  // of 32 values, within the half
      const uint8_t* low = block.low + 64 * half + quarter % 2 * 32;
      const uint8_t* high = block.high + 32 * half;
      for (int l = g % 2 * 16; l < g % 2 * 16 + 16; ++l) {
        const int nibble = (low[l] >> (quarter / 2 * 4)) & 15;
        const int upper = (high[l] >> (2 * quarter)) & 3;
        x[128 * half + 32 * quarter + l] = scale * static_cast<float>((nibble | upper << 4) - 32);
      }
    }
  });
}

void decode_q8_k(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ8K, kSuperBlock>(blocks, out, count, [](const BlockQ8K& block, float* x) {
    for (int j = 0; j < kSuperBlock; ++j) x[j] = block.d * static_cast<float>(block.q[j]);
  });
}

void decode_iq4_xs(const void* blocks, float* out, int64_t count) {
  each_block<BlockIq4Xs, kSuperBlock>(blocks, out, count, [](const BlockIq4Xs& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int g = 0; g < 8; ++g) {
      const float scale = d * static_cast<float>(iq4_xs_scale(block, g));
      const uint8_t* nibbles = block.nibbles + 16 * g;
      for (int j = 0; j < 16; ++j) {
        x[32 * g + j] = scale * static_cast<float>(kIq4Values[nibbles[j] & 15]);
        x[32 * g + j + 16] = scale * static_cast<float>(kIq4Values[nibbles[j] >> 4]);
      }
    }
  });
}

}  // namespace verge::quant
