// Blocks of 32 values with one scale: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, IQ4_NL.

#include <verge/engine/quant/decoders.hpp>
#include <verge/engine/quant/each_block.hpp>

namespace verge::quant {
namespace {

int fifth_bit(const uint8_t* fifth, int j) {
  return ((fifth[j / 8] >> (j % 8)) & 1) << 4;
}

}  // namespace

void decode_q4_0(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ4_0, kBlock>(blocks, out, count, [](const BlockQ4_0& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < 16; ++j) {
      x[j] = d * static_cast<float>((block.nibbles[j] & 15) - 8);
      x[j + 16] = d * static_cast<float>((block.nibbles[j] >> 4) - 8);
    }
  });
}

void decode_q4_1(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ4_1, kBlock>(blocks, out, count, [](const BlockQ4_1& block, float* x) {
    const float d = f16_to_f32(block.d);
    const float m = f16_to_f32(block.m);
    for (int j = 0; j < 16; ++j) {
      x[j] = d * static_cast<float>(block.nibbles[j] & 15) + m;
      x[j + 16] = d * static_cast<float>(block.nibbles[j] >> 4) + m;
    }
  });
}

void decode_q5_0(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ5_0, kBlock>(blocks, out, count, [](const BlockQ5_0& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < 16; ++j) {
      const int low = (block.nibbles[j] & 15) | fifth_bit(block.fifth, j);
      const int high = (block.nibbles[j] >> 4) | fifth_bit(block.fifth, j + 16);
      x[j] = d * static_cast<float>(low - 16);
      x[j + 16] = d * static_cast<float>(high - 16);
    }
  });
}

void decode_q5_1(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ5_1, kBlock>(blocks, out, count, [](const BlockQ5_1& block, float* x) {
    const float d = f16_to_f32(block.d);
    const float m = f16_to_f32(block.m);
    for (int j = 0; j < 16; ++j) {
      const int low = (block.nibbles[j] & 15) | fifth_bit(block.fifth, j);
      const int high = (block.nibbles[j] >> 4) | fifth_bit(block.fifth, j + 16);
      x[j] = d * static_cast<float>(low) + m;
      x[j + 16] = d * static_cast<float>(high) + m;
    }
  });
}

void decode_q8_0(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ8_0, kBlock>(blocks, out, count, [](const BlockQ8_0& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kBlock; ++j) x[j] = d * static_cast<float>(block.q[j]);
  });
}

void decode_q8_1(const void* blocks, float* out, int64_t count) {
  each_block<BlockQ8_1, kBlock>(blocks, out, count, [](const BlockQ8_1& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < kBlock; ++j) x[j] = d * static_cast<float>(block.q[j]);
  });
}

void decode_iq4_nl(const void* blocks, float* out, int64_t count) {
  each_block<BlockIq4Nl, kBlock>(blocks, out, count, [](const BlockIq4Nl& block, float* x) {
    const float d = f16_to_f32(block.d);
    for (int j = 0; j < 16; ++j) {
      x[j] = d * static_cast<float>(kIq4Values[block.nibbles[j] & 15]);
      x[j + 16] = d * static_cast<float>(kIq4Values[block.nibbles[j] >> 4]);
    }
  });
}

}  // namespace verge::quant
