#include <gtest/gtest.h>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodeSmall, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::IQ4_NL});
}

TEST(EncodeSmall, IsIdempotent) {
  for (const DType dtype : {DType::Q4_0, DType::Q5_0, DType::IQ4_NL}) {
    expect_idempotent(dtype, gaussian_rows());
    expect_idempotent(dtype, heavy_rows());
  }
}

TEST(EncodeSmall, RangedTypesHoldRowsFarFromZero) {
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> x(32);
    for (size_t i = 0; i < x.size(); ++i) x[i] = sign * (100 + static_cast<float>(i) / 16);
    const auto y = round_trip(DType::Q4_1, x);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 0.11f);
  }
}

}  // namespace
}  // namespace verge::quant
