#pragma once
// One row through a quantizer and back.

#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/quant/quantize.hpp>

namespace verge::quant {

inline std::vector<float> round_trip(DType dtype, const std::vector<float>& x) {
  const int64_t count = static_cast<int64_t>(x.size());
  std::vector<std::byte> blocks(static_cast<size_t>(bytes_of(dtype, count)));
  const Status status = quantize_row(dtype, x.data(), blocks.data(), count);
  EXPECT_TRUE(status.ok()) << name(dtype);
  std::vector<float> decoded(x.size());
  dequantize_row(dtype, blocks.data(), decoded.data(), count);
  return decoded;
}

/// What has been quantized once must survive a second time unchanged.
inline void expect_idempotent(DType dtype, const std::vector<float>& x) {
  const std::vector<float> once = round_trip(dtype, x);
  EXPECT_EQ(round_trip(dtype, once), once) << name(dtype);
}

inline double squared_distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace verge::quant
