#include <gtest/gtest.h>

#include "captured_blocks.hpp"

namespace verge::quant {
namespace {

constexpr Captured kCapturedSuper[] = {
    {DType::Q2_K, 0x65d7c0e20eef78a7ull, {11.0f, 29.0f, 31.0f, 15.0f, 11.0f, 13.0f}},
    {DType::Q3_K, 0x45159e5dfc586b20ull, {-4.0f, 8.0f, 5.0f, 1.0f, 11.0f, 0.0f}},
    {DType::Q4_K, 0xeb2cfee01a6d2513ull, {24.5f, 7.0f, 52.5f, 0.75f, 8.0f, 38.375f}},
    {DType::Q5_K, 0x5c158df97a1e2292ull, {18.5f, 236.0f, 18.5f, 79.125f, 55.625f, 127.5f}},
    {DType::Q6_K,
     0xc6825fabda33dcccull,
     {-38.09375f, -18.21875f, 0.078125f, 1.09375f, 3.0f, 5.859375f}},
    {DType::IQ4_XS, 0x7bd7ef6f8fcdbbb2ull, {0.0f, 0.0f, -0.0f, 49.6875f, -140.0625f, 52.0625f}},
};

TEST(DecodeSuper, DecodesAsLlamaCppDoes) {
  for (const Captured& expected : kCapturedSuper) expect_decodes(expected);
}

TEST(DecodeSuper, ActivationBlocksScaleTheirIntegers) {
  BlockQ8K block{};
  block.d = 0.5f;
  for (int i = 0; i < 256; ++i) block.q[i] = static_cast<int8_t>(i - 128);
  float values[256];
  dequantize_row(DType::Q8_K, &block, values, 256);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(values[i], 0.5f * static_cast<float>(i - 128));
}

}  // namespace
}  // namespace verge::quant
