#include <limits>

#include <gtest/gtest.h>

#include "round_trip.hpp"
#include "sample_rows.hpp"

namespace verge::quant {
namespace {

std::vector<DType> writable_types() {
  std::vector<DType> types;
  for (const DTypeInfo& type : all_dtypes()) {
    if (can_quantize(type.dtype)) types.push_back(type.dtype);
  }
  return types;
}

TEST(Quantize, ZerosStayZero) {
  for (const DType dtype : writable_types()) {
    EXPECT_EQ(round_trip(dtype, std::vector<float>(256)), std::vector<float>(256)) << name(dtype);
  }
}

TEST(Quantize, ConstantsAndSpikesKeepTheirValue) {
  for (const DType dtype : writable_types()) {
    for (const float value : {1.0f, -1.0f, 37.5f, -0.0123f}) {
      for (const float y : round_trip(dtype, std::vector<float>(256, value))) {
        EXPECT_NEAR(y / value, 1, 1e-2) << name(dtype) << " of " << value;
      }
      std::vector<float> spike(256);
      spike[77] = value;
      const auto y = round_trip(dtype, spike);
      for (size_t i = 0; i < spike.size(); ++i) {
        EXPECT_NEAR(y[i] / value, spike[i] / value, 1e-2) << name(dtype) << " of " << value;
      }
    }
  }
}

TEST(Quantize, AnyFiniteInputDecodesToFiniteValuesOfItsSize) {
  constexpr float kMax = std::numeric_limits<float>::max();
  for (const DType dtype : writable_types()) {
    if (dtype == DType::F16 || dtype == DType::BF16) continue;  // round to infinity by definition
    for (const float size :
         {std::numeric_limits<float>::denorm_min(), 1e-42f, 1e-38f, 1e-8f, 1e5f, 1e20f, kMax}) {
      std::vector<float> x = gaussian_rows();
      x.resize(256);
      for (float& value : x) value *= size;
      x[5] = size;
      for (const float y : round_trip(dtype, x)) {
        EXPECT_TRUE(std::isfinite(y)) << name(dtype) << " of " << size;
        EXPECT_LE(std::abs(static_cast<double>(y)), std::max(1.2 * static_cast<double>(size), 2e-5))
            << name(dtype);
      }
    }
  }
}

TEST(Quantize, NamesTheFirstBadValue) {
  for (const DType dtype : writable_types()) {
    std::vector<float> x(256, 1.0f);
    std::vector<std::byte> out(1024);
    x[200] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(quantize_row(dtype, x.data(), out.data(), 256).error().message,
              "value 200 is inf; it cannot be quantized");
    x[31] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(quantize_row(dtype, x.data(), out.data(), 256).error().message,
              "value 31 is nan; it cannot be quantized");
  }
}

TEST(Quantize, RejectsWhatItCannotWrite) {
  const std::vector<float> x(256);
  std::vector<std::byte> out(2048);
  std::vector<float> importance(256, 1.0f);
  EXPECT_EQ(quantize_row(DType::TQ1_0, x.data(), out.data(), 256).error().code, Code::Unsupported);
  EXPECT_EQ(quantize_row(DType::Q4_K, x.data(), out.data(), 172).error().message,
            "172 columns are not a multiple of 256, the block of q4_K; choose another type");
  importance[9] = -1;
  EXPECT_EQ(quantize_row(DType::Q4_K, x.data(), out.data(), 256, importance.data()).error().message,
            "importance 9 is -1; it must be a finite number >= 0");
}

TEST(Quantize, ImportanceOfZeroIsNoImportance) {
  const auto x = gaussian_rows();
  const std::vector<float> importance(256);
  std::vector<std::byte> with(1024);
  std::vector<std::byte> without(1024);
  for (const DType dtype : writable_types()) {
    ASSERT_TRUE(quantize_row(dtype, x.data(), with.data(), 256, importance.data()).ok());
    ASSERT_TRUE(quantize_row(dtype, x.data(), without.data(), 256).ok());
    EXPECT_EQ(with, without) << name(dtype);
  }
}

std::vector<std::byte> quantized(DType dtype, const Shape& shape, std::vector<float> x,
                                 std::span<const float> importance, int threads) {
  ThreadPool pool(threads);
  std::vector<std::byte> out(static_cast<size_t>(bytes_of(dtype, shape.count())));
  const Status status =
      quantize({x.data(), DType::F32, shape}, {out.data(), dtype, shape}, importance, pool);
  EXPECT_TRUE(status.ok());
  return out;
}

TEST(Quantize, TensorsDoNotDependOnThreads) {
  const auto importance = column_importance();
  const Shape shape{kSampleRows, kSampleColumns};
  for (const DType dtype : writable_types()) {
    EXPECT_EQ(quantized(dtype, shape, heavy_rows(), importance, 1),
              quantized(dtype, shape, heavy_rows(), importance, 3))
        << name(dtype);
  }
}

TEST(Quantize, EachExpertMayHaveItsImportance) {
  const Shape experts{2, kSampleRows / 2, kSampleColumns};
  auto importance = column_importance();
  const auto first = quantized(DType::Q4_K, experts, heavy_rows(), importance, 2);
  importance.resize(2 * kSampleColumns, 1.0f);
  const auto second = quantized(DType::Q4_K, experts, heavy_rows(), importance, 2);
  const std::ptrdiff_t half = static_cast<std::ptrdiff_t>(first.size() / 2);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + half, second.begin()));
  EXPECT_FALSE(std::equal(first.begin() + half, first.end(), second.begin() + half));
}

TEST(Quantize, TensorErrorsNameRowAndColumn) {
  ThreadPool pool(2);
  auto x = gaussian_rows();
  std::vector<std::byte> out(x.size() * 4);
  const Shape shape{kSampleRows, kSampleColumns};
  const TensorView in{x.data(), DType::F32, shape};
  const TensorView to{out.data(), DType::Q6_K, shape};
  const std::vector<float> few(7, 1.0f);
  EXPECT_EQ(quantize(in, to, few, pool).error().message,
            "7 importance weights do not fit a tensor of shape [32, 1024]; give 1024 a matrix");
  x[9 * kSampleColumns + 3] = std::numeric_limits<float>::quiet_NaN();
  x[20 * kSampleColumns] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(quantize(in, to, {}, pool).error().message,
            "row 9, column 3 is nan; it cannot be quantized");
}

}  // namespace
}  // namespace verge::quant
