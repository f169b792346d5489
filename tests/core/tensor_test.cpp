#include <gtest/gtest.h>

#include <verge/core/tensor.hpp>

namespace verge {
namespace {

TEST(Tensor, IsZeroedAndAligned) {
  const Tensor tensor(DType::F32, {3, 5});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.view().data) % 64, 0u);
  for (float value : tensor.span<float>()) EXPECT_EQ(value, 0.0f);
}

}  // namespace
}  // namespace verge
