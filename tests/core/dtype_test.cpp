#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <verge/core/dtype.hpp>

namespace verge {
namespace {

TEST(DType, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value)))) << bits;
    } else {
      EXPECT_EQ(f32_to_f16(value), bits);
    }
  }
}

TEST(DType, HalfRoundsToNearestEven) {
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f), f32_to_f16(1.0f));                // tie, down to even
  EXPECT_EQ(f32_to_f16(1.0f + 3 * 0x1p-11f), f32_to_f16(1.0f + 0x1p-9f));  // tie, up to even
  EXPECT_EQ(f32_to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(DType, BfloatRoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = bf16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    EXPECT_EQ(f32_to_bf16(value), bits);
  }
  EXPECT_EQ(f32_to_bf16(1.0f + 0x1p-8f), f32_to_bf16(1.0f));
}

TEST(DType, NamesAndGgufIdsFindTheirType) {
  for (const DTypeInfo& type : all_dtypes()) {
    EXPECT_EQ(dtype_from_name(type.name), type.dtype);
    if (type.dtype != DType::U8) {
      EXPECT_EQ(dtype_from_gguf(static_cast<uint32_t>(type.dtype)), type.dtype);
    }
  }
  EXPECT_EQ(dtype_from_name("Q4_k"), DType::Q4_K);
  EXPECT_FALSE(dtype_from_gguf(4));
  EXPECT_FALSE(dtype_from_gguf(100));
  EXPECT_FALSE(dtype_from_gguf(0xffffffff));
}

TEST(DType, BytesFollowTheBlocks) {
  EXPECT_EQ(bytes_of(DType::Q4_K, 512), 288);
  EXPECT_EQ(bytes_of(DType::F16, 3), 6);
}

}  // namespace
}  // namespace verge
