#include <gtest/gtest.h>

#include <verge/engine/format/safetensors/types.hpp>

namespace verge::format {
namespace {

TEST(SafetensorsTypes, MapToDTypesOfTheSameSize) {
  for (const char* name : {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64", "U8", "BOOL"}) {
    const auto type = safetensors_type(std::string_view(name));
    ASSERT_TRUE(type && type->dtype) << name;
    EXPECT_EQ(type->bytes, static_cast<uint64_t>(bytes_of(*type->dtype, 1))) << name;
  }
  EXPECT_FALSE(safetensors_type("F8_E4M3")->dtype.has_value());
  EXPECT_FALSE(safetensors_type("f32").has_value());
  EXPECT_EQ(safetensors_type(DType::U8)->name, "U8");
  EXPECT_FALSE(safetensors_type(DType::Q4_0).has_value());
}

}  // namespace
}  // namespace verge::format
