#include <numeric>

#include <gtest/gtest.h>

#include <verge/engine/quant/blocks.hpp>

#include "peer_errors.hpp"
#include "round_trip.hpp"

namespace verge::quant {
namespace {

TEST(EncodeBytes, AsGoodAsLlamaCpp) {
  expect_as_good_as_peer({DType::Q8_0});
}

TEST(EncodeBytes, IsIdempotent) {
  for (const DType dtype : {DType::Q8_0, DType::Q8_1}) expect_idempotent(dtype, heavy_rows());
}

TEST(EncodeBytes, ErrorIsAtMostHalfAStep) {
  const auto x = heavy_rows();
  const auto y = round_trip(DType::Q8_K, x);
  for (size_t first = 0; first < x.size(); first += 256) {
    float peak = 0;
    for (size_t i = first; i < first + 256; ++i) peak = std::max(peak, std::abs(x[i]));
    for (size_t i = first; i < first + 256; ++i) EXPECT_NEAR(y[i], x[i], 0.5001f * peak / 127);
  }
}

TEST(EncodeBytes, SumsMatchTheIntegers) {
  const auto x = gaussian_rows();
  BlockQ8_1 small;
  BlockQ8K large;
  ASSERT_TRUE(quantize_row(DType::Q8_1, x.data(), &small, 32).ok());
  ASSERT_TRUE(quantize_row(DType::Q8_K, x.data(), &large, 256).ok());
  const int sum = std::accumulate(small.q, small.q + 32, 0);
  EXPECT_EQ(small.s, f32_to_f16(f16_to_f32(small.d) * static_cast<float>(sum)));
  for (int g = 0; g < 16; ++g) {
    EXPECT_EQ(large.sums[g], std::accumulate(large.q + 16 * g, large.q + 16 * g + 16, 0));
  }
}

}  // namespace
}  // namespace verge::quant
