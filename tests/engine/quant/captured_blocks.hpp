#pragma once
// Random blocks that any tool can rebuild, and a fingerprint of what they decode to.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/dtype.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/dequantize.hpp>

namespace verge::quant {

inline constexpr int kCapturedCount = 512;

/// Byte offsets of a block's fp16 scales; -1 where it has none.
struct ScaleOffsets {
  int d = -1;
  int second = -1;
};

inline ScaleOffsets scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::Q4_0:
    case DType::Q5_0:
    case DType::Q8_0:
    case DType::IQ4_NL:
    case DType::IQ4_XS:
      return {0, -1};
    case DType::Q4_1:
    case DType::Q5_1:
    case DType::Q8_1:
    case DType::Q4_K:
    case DType::Q5_K:
      return {0, 2};
    case DType::Q2_K:
      return {80, 82};
    case DType::Q3_K:
      return {108, -1};
    case DType::Q6_K:
      return {208, -1};
    case DType::TQ1_0:
      return {52, -1};
    case DType::TQ2_0:
      return {64, -1};
    default:
      return {};
  }
}

/// `kCapturedCount` values of random bits whose scales are powers of two: every product and sum is
/// exact, so the decoded values are the same with and without fused multiply-add.
inline std::vector<uint8_t> captured_blocks(const DTypeInfo& type) {
  std::vector<uint8_t> bytes(static_cast<size_t>(bytes_of(type.dtype, kCapturedCount)));
  Rng rng(2024, static_cast<uint64_t>(type.dtype));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.next() >> 24);
  const ScaleOffsets offsets = scale_offsets(type.dtype);
  for (size_t i = 0; i < bytes.size(); i += static_cast<size_t>(type.block_bytes)) {
    const uint16_t d = f32_to_f16(std::ldexp(1.0f, static_cast<int>(rng.below(8)) - 6));
    const uint16_t second = f32_to_f16(std::ldexp(-1.0f, static_cast<int>(rng.below(4)) - 3));
    if (offsets.d >= 0) std::memcpy(&bytes[i + static_cast<size_t>(offsets.d)], &d, 2);
    if (offsets.second >= 0) {
      std::memcpy(&bytes[i + static_cast<size_t>(offsets.second)], &second, 2);
    }
    const float whole = 0.25f;
    if (type.dtype == DType::Q8_K) std::memcpy(&bytes[i], &whole, 4);
  }
  return bytes;
}

/// FNV-1a over the values' bits (-0 counts as 0, every NaN as one).
inline uint64_t fingerprint(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const float value : values) {
    uint32_t bits = value == 0 ? 0 : std::bit_cast<uint32_t>(value);
    if (value != value) bits = 0x7fc00000;
    for (int shift = 0; shift < 32; shift += 8) {
      hash = (hash ^ ((bits >> shift) & 0xff)) * 0x100000001b3ull;
    }
  }
  return hash;
}

/// What llama.cpp (libggml-base of node-llama-cpp 3.22.1) decodes captured_blocks() to.
struct Captured {
  DType dtype;
  uint64_t fingerprint;
  float samples[6];  // values 0, 1, 16, 33, 100, 255
};

inline void expect_decodes(const Captured& expected) {
  SCOPED_TRACE(name(expected.dtype));
  const auto blocks = captured_blocks(info(expected.dtype));
  std::vector<float> values(kCapturedCount);
  dequantize_row(expected.dtype, blocks.data(), values.data(), kCapturedCount);
  int sample = 0;
  for (const size_t i : {0, 1, 16, 33, 100, 255}) {
    EXPECT_FLOAT_EQ(values[i], expected.samples[sample++]) << i;
  }
  EXPECT_EQ(fingerprint(values), expected.fingerprint);
}

}  // namespace verge::quant
