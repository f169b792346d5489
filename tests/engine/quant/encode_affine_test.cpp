#include <gtest/gtest.h>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodeAffine, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::Q2_K, DType::Q4_K, DType::Q5_K});
}

TEST(EncodeAffine, SecondTimeCostsLittle) {
  for (const DType dtype : {DType::Q2_K, DType::Q4_K, DType::Q5_K}) {
    const auto x = gaussian_rows();
    const auto once = round_trip(dtype, x);
    const auto twice = round_trip(dtype, once);
    EXPECT_LT(squared_distance(once, twice), 0.05 * squared_distance(x, once)) << name(dtype);
  }
}

TEST(EncodeAffine, HoldsSubBlocksOfOneSign) {
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> x(256);
    for (size_t i = 0; i < x.size(); ++i) x[i] = sign * (1 + static_cast<float>(i % 32) / 8);
    const auto y = round_trip(DType::Q5_K, x);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 0.12f);
  }
}

}  // namespace
}  // namespace verge::quant
