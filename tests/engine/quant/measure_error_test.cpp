#include <gtest/gtest.h>

#include <verge/engine/quant/quantize.hpp>

#include "sample_rows.hpp"

namespace verge::quant {
namespace {

TEST(MeasureError, ComparesWithTheDecodedValues) {
  ThreadPool pool(2);
  float x[] = {3, 4, 0, 0};
  int8_t y[] = {3, 2, 0, 1};
  const QuantError error = measure_error({x, DType::F32, {2, 2}}, {y, DType::I8, {2, 2}}, pool);
  EXPECT_DOUBLE_EQ(error.rmse, std::sqrt(5.0 / 4));
  EXPECT_DOUBLE_EQ(error.max_abs, 2);
  EXPECT_DOUBLE_EQ(error.relative, std::sqrt(5.0 / 25));
}

TEST(MeasureError, IsTheSameForAnyPool) {
  auto x = heavy_rows();
  const Shape shape{kSampleRows, kSampleColumns};
  const Tensor blocks(DType::Q4_0, shape);
  const TensorView original{x.data(), DType::F32, shape};
  ThreadPool one(1);
  ThreadPool three(3);
  ASSERT_TRUE(quantize(original, blocks.view(), {}, one).ok());
  const QuantError a = measure_error(original, blocks.view(), one);
  const QuantError b = measure_error(original, blocks.view(), three);
  EXPECT_EQ(a.rmse, b.rmse);
  EXPECT_EQ(a.max_abs, b.max_abs);
  EXPECT_EQ(a.relative, b.relative);
  EXPECT_GT(a.relative, 0);
}

}  // namespace
}  // namespace verge::quant
