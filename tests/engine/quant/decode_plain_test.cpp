#include <gtest/gtest.h>

#include "captured_blocks.hpp"

namespace verge::quant {
namespace {

constexpr Captured kCapturedPlain[] = {
    {DType::F16,
     0xe65acb8b58ee34d4ull,
     {-0.010345459f, 0.100708008f, 0.00278091431f, -0.000792980194f, 0.0339355469f, 1.61230469f}},
    {DType::BF16,
     0xc7d7c2fffb3c833cull,
     {-1.26941274e+38f, 3.03125f, -4.12745899e+20f, -1.13158308e-21f, -1.55096365e-23f,
      -6.74075481e-34f}},
};

TEST(DecodePlain, DecodesAsLlamaCppDoes) {
  for (const Captured& expected : kCapturedPlain) expect_decodes(expected);
}

template <typename T>
void expect_plain(DType dtype, std::initializer_list<T> stored) {
  std::vector<float> values(stored.size());
  dequantize_row(dtype, stored.begin(), values.data(), static_cast<int64_t>(stored.size()));
  size_t i = 0;
  for (const T value : stored) EXPECT_EQ(values[i++], static_cast<float>(value)) << name(dtype);
}

TEST(DecodePlain, NumbersConvert) {
  expect_plain<float>(DType::F32, {0.0f, -1.5f, 1e-40f, 3e38f});
  expect_plain<double>(DType::F64, {0.0, -1.0 / 3, 1e300});
  expect_plain<int8_t>(DType::I8, {-128, 0, 127});
  expect_plain<uint8_t>(DType::U8, {0, 128, 255});
  expect_plain<int16_t>(DType::I16, {-32768, 32767});
  expect_plain<int32_t>(DType::I32, {-2147483647, 16777217});
  expect_plain<int64_t>(DType::I64, {int64_t{1} << 40, -3});
}

}  // namespace
}  // namespace verge::quant
