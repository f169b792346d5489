#include <gtest/gtest.h>

#include "captured_blocks.hpp"

namespace verge::quant {
namespace {

constexpr Captured kCapturedSmall[] = {
    {DType::Q4_0, 0x22aade3daa5a17fbull, {0.375f, -0.5f, -0.625f, -2.0f, -14.0f, -0.015625f}},
    {DType::Q4_1, 0x8c28e33d83f05079ull, {17.75f, 11.75f, 29.75f, 0.0f, 2.75f, 0.25f}},
    {DType::Q5_0, 0xc3ebe95efc41b921ull, {-0.40625f, 0.3125f, 0.375f, 0.4375f, 4.0f, 0.3125f}},
    {DType::Q5_1, 0x5ffe4fbd877967eeull, {0.234375f, 0.0625f, -0.125f, 33.75f, -0.375f, 1.5f}},
    {DType::Q8_0,
     0x62768c6613c2544bull,
     {-0.703125f, 0.890625f, -0.53125f, 29.5f, 104.0f, -0.828125f}},
    {DType::IQ4_NL,
     0xeab72c484f063ec7ull,
     {-0.3125f, 0.03125f, 0.78125f, 2.78125f, -1.53125f, 4.75f}},
};

TEST(DecodeSmall, DecodesAsLlamaCppDoes) {
  for (const Captured& expected : kCapturedSmall) expect_decodes(expected);
}

TEST(DecodeSmall, ActivationBlocksScaleTheirIntegers) {
  BlockQ8_1 block{};
  block.d = f32_to_f16(0.5f);
  for (int i = 0; i < 32; ++i) block.q[i] = static_cast<int8_t>(i - 128);
  float values[32];
  dequantize_row(DType::Q8_1, &block, values, 32);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(values[i], 0.5f * static_cast<float>(i - 128));
}

}  // namespace
}  // namespace verge::quant
