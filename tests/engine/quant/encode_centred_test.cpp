#include <gtest/gtest.h>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodeCentred, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::Q3_K, DType::Q6_K});
}

TEST(EncodeCentred, SecondTimeCostsLittle) {
  for (const DType dtype : {DType::Q3_K, DType::Q6_K}) {
    const auto x = gaussian_rows();
    const auto once = round_trip(dtype, x);
    const auto twice = round_trip(dtype, once);
    EXPECT_LT(squared_distance(once, twice), 0.05 * squared_distance(x, once)) << name(dtype);
  }
}

TEST(EncodeCentred, SubBlocksKeepTheirOwnMagnitude) {
  std::vector<float> x(256);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = (i % 2 == 0 ? 1.0f : -0.5f) / static_cast<float>(1 + i / 16);
  }
  const auto y = round_trip(DType::Q6_K, x);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i] / x[i], 1, 0.1) << i;
}

}  // namespace
}  // namespace verge::quant
