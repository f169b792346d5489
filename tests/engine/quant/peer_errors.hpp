#pragma once
// The errors of llama.cpp's own quantizers on sample_rows.hpp, and the comparison with them.

#include <gtest/gtest.h>

#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/quant/quantize.hpp>

#include "sample_rows.hpp"

namespace verge::quant {

/// sum w (x - y)^2 / sum x^2 of ggml_quantize_chunk (libggml-base of node-llama-cpp 3.22.1) on
/// gaussian_rows() and heavy_rows(): w = 1 without importance; with it, w is the importance and
/// sum w x^2 the divisor.
struct PeerErrors {
  DType dtype;
  double plain[2];
  double weighted[2];
};
inline constexpr PeerErrors kPeerErrors[] = {
    {DType::F16, {4.27637e-08, 4.31479e-08}, {4.0347e-08, 3.71918e-08}},
    {DType::Q4_0, {0.00704051, 0.0145953}, {0.00433016, 0.0111922}},
    {DType::Q4_1, {0.00589492, 0.0121578}, {0.00255889, 0.00462424}},
    {DType::Q5_0, {0.00173455, 0.00433018}, {0.0010845, 0.00332889}},
    {DType::Q5_1, {0.00137857, 0.00286348}, {0.000599514, 0.00118356}},
    {DType::Q8_0, {2.7312e-05, 8.01011e-05}, {2.722e-05, 7.38798e-05}},
    {DType::Q2_K, {0.0851013, 0.13945}, {0.0329066, 0.0421929}},
    {DType::Q3_K, {0.0220192, 0.0295665}, {0.012716, 0.0185294}},
    {DType::Q4_K, {0.00489915, 0.00949764}, {0.00268201, 0.00508925}},
    {DType::Q5_K, {0.00124828, 0.00263833}, {0.000737765, 0.00159611}},
    {DType::Q6_K, {0.000305431, 0.000739523}, {0.000187958, 0.000528087}},
    {DType::IQ4_NL, {0.00568232, 0.00977184}, {0.00342376, 0.00624656}},
    {DType::BF16, {2.76384e-06, 2.9687e-06}, {2.67707e-06, 2.75498e-06}},
    {DType::TQ2_0, {0.634387, 0.577778}, {0.634948, 0.530054}},
};

/// The same measure of this module's quantizer; `importance` may be empty.
inline double relative_error(DType dtype, const std::vector<float>& x,
                             const std::vector<float>& importance) {
  std::vector<std::byte> blocks(static_cast<size_t>(bytes_of(dtype, kSampleColumns)));
  std::vector<float> decoded(kSampleColumns);
  double error = 0;
  double energy = 0;
  for (size_t row = 0; row < x.size(); row += kSampleColumns) {
    const Status status = quantize_row(dtype, &x[row], blocks.data(), kSampleColumns,
                                       importance.empty() ? nullptr : importance.data());
    EXPECT_TRUE(status.ok());
    dequantize_row(dtype, blocks.data(), decoded.data(), kSampleColumns);
    for (size_t i = 0; i < kSampleColumns; ++i) {
      const double weight = importance.empty() ? 1 : static_cast<double>(importance[i]);
      const double value = static_cast<double>(x[row + i]);
      const double difference = value - static_cast<double>(decoded[i]);
      error += weight * difference * difference;
      energy += weight * value * value;
    }
  }
  return error / energy;
}

// No worse, but for rounding differences between machines.
inline constexpr double kAllowance = 1.001;

inline void expect_as_good_as_peer(std::initializer_list<DType> types) {
  const std::vector<float> rows[] = {gaussian_rows(), heavy_rows()};
  for (const PeerErrors& peer : kPeerErrors) {
    if (std::find(types.begin(), types.end(), peer.dtype) == types.end()) continue;
    for (int i = 0; i < 2; ++i) {
      SCOPED_TRACE(fmt::format("{} on {} rows", name(peer.dtype), i == 0 ? "gaussian" : "heavy"));
      EXPECT_LE(relative_error(peer.dtype, rows[i], {}), kAllowance * peer.plain[i]);
      EXPECT_LE(relative_error(peer.dtype, rows[i], column_importance()),
                kAllowance * peer.weighted[i]);
    }
  }
}

}  // namespace verge::quant
