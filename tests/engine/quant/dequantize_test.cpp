#include <gtest/gtest.h>

#include <verge/core/result.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::quant {
namespace {

TEST(Dequantize, EveryTypeHasADecoder) {
  for (const DTypeInfo& type : all_dtypes()) {
    EXPECT_NE(dequantizer(type.dtype), nullptr) << type.name;
    dequantize_row(type.dtype, nullptr, nullptr, 0);
  }
}

TEST(Dequantize, RejectsPartOfABlock) {
  float out[32];
  EXPECT_THROW(dequantize_row(DType::Q4_0, nullptr, out, 31), InternalError);
}

}  // namespace
}  // namespace verge::quant
