#include <gtest/gtest.h>

#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/dequantize.hpp>

#include "captured_blocks.hpp"

namespace verge::quant {
namespace {

// What llama.cpp (libggml-base of node-llama-cpp 3.22.1) decodes captured_blocks() to.
struct Captured {
  DType dtype;
  uint64_t fingerprint;
  float samples[6];  // at kSampled
};
constexpr int kSampled[] = {0, 1, 16, 33, 100, 255};
constexpr Captured kCaptured[] = {
    {DType::F16,
     0xe65acb8b58ee34d4ull,
     {-0.010345459f, 0.100708008f, 0.00278091431f, -0.000792980194f, 0.0339355469f, 1.61230469f}},
    {DType::Q4_0, 0x22aade3daa5a17fbull, {0.375f, -0.5f, -0.625f, -2.0f, -14.0f, -0.015625f}},
    {DType::Q4_1, 0x8c28e33d83f05079ull, {17.75f, 11.75f, 29.75f, 0.0f, 2.75f, 0.25f}},
    {DType::Q5_0, 0xc3ebe95efc41b921ull, {-0.40625f, 0.3125f, 0.375f, 0.4375f, 4.0f, 0.3125f}},
    {DType::Q5_1, 0x5ffe4fbd877967eeull, {0.234375f, 0.0625f, -0.125f, 33.75f, -0.375f, 1.5f}},
    {DType::Q8_0,
     0x62768c6613c2544bull,
     {-0.703125f, 0.890625f, -0.53125f, 29.5f, 104.0f, -0.828125f}},
    {DType::Q2_K, 0x65d7c0e20eef78a7ull, {11.0f, 29.0f, 31.0f, 15.0f, 11.0f, 13.0f}},
    {DType::Q3_K, 0x45159e5dfc586b20ull, {-4.0f, 8.0f, 5.0f, 1.0f, 11.0f, 0.0f}},
    {DType::Q4_K, 0xeb2cfee01a6d2513ull, {24.5f, 7.0f, 52.5f, 0.75f, 8.0f, 38.375f}},
    {DType::Q5_K, 0x5c158df97a1e2292ull, {18.5f, 236.0f, 18.5f, 79.125f, 55.625f, 127.5f}},
    {DType::Q6_K,
     0xc6825fabda33dcccull,
     {-38.09375f, -18.21875f, 0.078125f, 1.09375f, 3.0f, 5.859375f}},
    {DType::IQ4_NL,
     0xeab72c484f063ec7ull,
     {-0.3125f, 0.03125f, 0.78125f, 2.78125f, -1.53125f, 4.75f}},
    {DType::IQ4_XS, 0x7bd7ef6f8fcdbbb2ull, {0.0f, 0.0f, -0.0f, 49.6875f, -140.0625f, 52.0625f}},
    {DType::BF16,
     0xc7d7c2fffb3c833cull,
     {-1.26941274e+38f, 3.03125f, -4.12745899e+20f, -1.13158308e-21f, -1.55096365e-23f,
      -6.74075481e-34f}},
    {DType::TQ1_0, 0x1512ccccc376e9a8ull, {0.5f, 0.0f, -0.5f, 0.0f, -0.5f, -0.5f}},
    {DType::TQ2_0,
     0x2c2c65aee49b1362ull,
     {0.03125f, 0.03125f, 0.0f, -0.015625f, -0.015625f, 0.015625f}},
};

std::vector<float> decode(DType dtype, const std::vector<uint8_t>& bytes, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  dequantize_row(dtype, bytes.data(), values.data(), count);
  return values;
}

TEST(Dequantize, EveryFormatDecodesAsLlamaCppDoes) {
  for (const Captured& expected : kCaptured) {
    SCOPED_TRACE(name(expected.dtype));
    const auto values =
        decode(expected.dtype, captured_blocks(info(expected.dtype)), kCapturedCount);
    for (int i = 0; i < 6; ++i) {
      EXPECT_FLOAT_EQ(values[static_cast<size_t>(kSampled[i])], expected.samples[i]) << kSampled[i];
    }
    EXPECT_EQ(fingerprint(values), expected.fingerprint);
  }
}

TEST(Dequantize, EveryTypeHasADecoder) {
  for (const DTypeInfo& type : all_dtypes()) {
    SCOPED_TRACE(type.name);
    EXPECT_NE(dequantizer(type.dtype), nullptr);
    const auto bytes = captured_blocks(type);
    EXPECT_EQ(decode(type.dtype, bytes, 0).size(), 0u);
  }
}

template <typename T>
void expect_plain(DType dtype, std::initializer_list<T> stored) {
  std::vector<float> values(stored.size());
  dequantize_row(dtype, stored.begin(), values.data(), static_cast<int64_t>(stored.size()));
  size_t i = 0;
  for (const T value : stored) EXPECT_EQ(values[i++], static_cast<float>(value)) << name(dtype);
}

TEST(Dequantize, PlainTypesConvert) {
  expect_plain<float>(DType::F32, {0.0f, -1.5f, 1e-40f, 3e38f});
  expect_plain<double>(DType::F64, {0.0, -1.0 / 3, 1e300});
  expect_plain<int8_t>(DType::I8, {-128, 0, 127});
  expect_plain<uint8_t>(DType::U8, {0, 128, 255});
  expect_plain<int16_t>(DType::I16, {-32768, 32767});
  expect_plain<int32_t>(DType::I32, {-2147483647, 16777217});
  expect_plain<int64_t>(DType::I64, {int64_t{1} << 40, -3});
}

TEST(Dequantize, ActivationBlocksScaleTheirIntegers) {
  BlockQ8_1 small{};
  BlockQ8K large{};
  small.d = f32_to_f16(0.5f);
  large.d = 0.1f;
  for (int i = 0; i < 32; ++i) small.q[i] = static_cast<int8_t>(i - 128);
  for (int i = 0; i < 256; ++i) large.q[i] = static_cast<int8_t>(i - 128);
  float values[256];
  dequantize_row(DType::Q8_1, &small, values, 32);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(values[i], 0.5f * static_cast<float>(i - 128));
  dequantize_row(DType::Q8_K, &large, values, 256);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(values[i], 0.1f * static_cast<float>(i - 128));
}

}  // namespace
}  // namespace verge::quant
