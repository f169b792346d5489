#include <array>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/quant/blocks.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/quant/pack.hpp>

namespace verge::quant {
namespace {

// The decoders, which are checked against llama.cpp, must read back what the packers wrote.

constexpr uint16_t kOne = 0x3c00;  // fp16

std::array<int8_t, 256> random_values(uint32_t bound) {
  std::array<int8_t, 256> q;
  Rng rng(5, bound);
  for (int8_t& value : q) value = static_cast<int8_t>(rng.below(bound));
  return q;
}

template <typename Block>
void expect_values(DType dtype, const Block& block, const std::array<int8_t, 256>& q, int offset) {
  float x[256];
  dequantize_row(dtype, &block, x, 256);
  for (size_t i = 0; i < q.size(); ++i) {
    EXPECT_EQ(x[i], static_cast<float>(q[i] - offset)) << name(dtype) << " value " << i;
  }
}

TEST(Pack, Q2K) {
  const auto q = random_values(4);
  BlockQ2K block{.scales = {}, .pairs = {}, .d = kOne, .dmin = 0};
  std::fill_n(block.scales, 16, uint8_t{1});
  pack_pairs(q.data(), block.pairs);
  expect_values(DType::Q2_K, block, q, 0);
}

TEST(Pack, Q3K) {
  const auto q = random_values(8);
  BlockQ3K block{};
  block.d = kOne;
  const std::array<int8_t, 16> ones{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  pack_q3k_scales(ones.data(), block.scales);
  pack_pairs(q.data(), block.pairs);
  pack_bit_rows(q.data(), 2, block.high);
  expect_values(DType::Q3_K, block, q, 4);
}

TEST(Pack, Q5K) {
  const auto q = random_values(32);
  BlockQ5K block{};
  block.d = kOne;
  const std::array<int8_t, 8> ones{1, 1, 1, 1, 1, 1, 1, 1};
  pack_scale_min(ones.data(), ones.data(), block.scales);
  pack_nibble_rows(q.data(), block.nibbles);
  pack_bit_rows(q.data(), 4, block.fifth);
  expect_values(DType::Q5_K, block, q, 0);
}

TEST(Pack, Q6K) {
  const auto q = random_values(64);
  BlockQ6K block{};
  block.d = kOne;
  std::fill_n(block.scales, 16, int8_t{1});
  pack_q6k(q.data(), block.low, block.high);
  expect_values(DType::Q6_K, block, q, 32);
}

TEST(Pack, ScalesComeBack) {
  const auto random = random_values(64);
  uint8_t packed[12];
  pack_scale_min(random.data(), random.data() + 8, packed);
  for (int j = 0; j < 8; ++j) {
    EXPECT_EQ(scale_min(packed, j).scale, random[static_cast<size_t>(j)]);
    EXPECT_EQ(scale_min(packed, j).min, random[static_cast<size_t>(j + 8)]);
  }
  int8_t scales[16];
  int8_t read[16];
  for (size_t j = 0; j < 16; ++j) scales[j] = static_cast<int8_t>(random[j] - 32);
  pack_q3k_scales(scales, packed);
  q3k_scales(packed, read);
  for (int j = 0; j < 16; ++j) EXPECT_EQ(read[j], scales[j]);
}

}  // namespace
}  // namespace verge::quant
