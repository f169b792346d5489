// Groups are checked against arithmetic in doubles, and the rotation against the matrix's
// definition.

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <verge/core/dtype.hpp>
#include <verge/platform/net/codec/group_codec.hpp>

#include "random_values.hpp"

namespace verge::net {
namespace {

using test::normal_values;

template <int kBits, bool is_rotated>
std::vector<float> there_and_back(const std::vector<float>& row) {
  using Codec = GroupCodec<kBits, is_rotated>;
  std::vector<std::byte> bytes(
      static_cast<size_t>(Codec::row_bytes(static_cast<int64_t>(row.size()))));
  EXPECT_TRUE(Codec::encode(row, bytes.data()));
  std::vector<float> back(row.size());
  EXPECT_TRUE(Codec::decode(bytes.data(), back));
  return back;
}

// Half a step each; on the side opposite to the extreme, which has one level less, what is beyond
// that.
template <int kBits>
void expect_within_steps(const std::vector<float>& row) {
  constexpr int kLevels = 1 << (kBits - 1);
  const std::vector<float> back = there_and_back<kBits, false>(row);
  for (size_t at = 0; at < row.size(); at += 64) {
    const size_t end = std::min(row.size(), at + 64);
    double extreme = 0;
    for (size_t i = at; i < end; ++i) {
      if (std::abs(row[i]) > std::abs(extreme)) extreme = row[i];
    }
    // The scale is rounded to fp16: relatively by 2^-11, or by up to 2^-24 where it is subnormal.
    const double most = std::abs(extreme) / kLevels * (1 + 0x1p-10) + 0x1p-24;
    const double least = std::abs(extreme) / kLevels * (1 - 0x1p-10) - 0x1p-24;
    for (size_t i = at; i < end; ++i) {
      const double beyond = row[i] * extreme < 0 ? std::abs(row[i]) - (kLevels - 1) * least : 0;
      const double bound = std::max(0.5 * most, beyond) + std::abs(row[i]) * 0x1p-20;
      EXPECT_LE(std::abs(double{row[i]} - back[i]), bound) << "value " << i << " " << row[i];
    }
  }
}

TEST(GroupCodec, ErrorsAreOfHalfAStep) {
  for (const int width : {1, 2, 63, 64, 65, 127, 200, 4096}) {
    for (const float deviation : {1e-9f, 1e-6f, 0.01f, 1.0f, 500.0f}) {
      const auto row = normal_values(width, static_cast<uint64_t>(width), deviation);
      expect_within_steps<8>(row);
      expect_within_steps<4>(row);
    }
  }
}

TEST(GroupCodec, TheValueFarthestFromZeroIsHitAndZeroesStay) {
  std::vector<float> row(64);
  row[5] = -3;  // a scale of 3/8 and 3/128, which fp16 holds
  EXPECT_EQ((there_and_back<4, false>(row)), row);
  EXPECT_EQ((there_and_back<8, false>(row)), row);
  row[5] = 3;
  EXPECT_EQ((there_and_back<4, false>(row)), row);
  EXPECT_EQ((there_and_back<4, true>(std::vector<float>(100))), std::vector<float>(100));
}

// 64 random signs of one size are, rotated by H, what int4 holds exactly when H is the Hadamard
// matrix: entry (i, j) is (-1)^popcount(i & j) / 8.
TEST(GroupCodec, TheRotationIsTheHadamardMatrix) {
  for (const unsigned column : {0u, 1u, 17u, 63u}) {
    std::vector<float> row(64);
    for (unsigned i = 0; i < 64; ++i) row[i] = std::popcount(i & column) % 2 == 0 ? 1.0f : -1.0f;
    std::vector<std::byte> bytes(34);
    ASSERT_TRUE((GroupCodec<4, true>::encode(row, bytes.data())));
    // All of it is in one coefficient, of 8: a scale of -1 and the code -8 there.
    EXPECT_EQ(bytes[0], std::byte{0x00});
    EXPECT_EQ(bytes[1], std::byte{0xbc});
    for (unsigned i = 0; i < 32; ++i) {
      const std::byte expected = i != column / 2 ? std::byte{0} : std::byte{8} << column % 2 * 4;
      EXPECT_EQ(bytes[2 + i], expected) << i;
    }
    std::vector<float> back(64);
    ASSERT_TRUE((GroupCodec<4, true>::decode(bytes.data(), back)));
    EXPECT_EQ(back, row);
  }
}

TEST(GroupCodec, RowsOfAnyWidthHaveTheirBytes) {
  EXPECT_EQ((GroupCodec<8, false>::row_bytes(4096)), 4224);
  EXPECT_EQ((GroupCodec<4, false>::row_bytes(4096)), 2176);
  EXPECT_EQ((GroupCodec<4, true>::row_bytes(4096)), 2176);
  EXPECT_EQ((GroupCodec<8, false>::row_bytes(65)), 66 + 3);
  EXPECT_EQ((GroupCodec<4, false>::row_bytes(67)), 34 + 4);
  EXPECT_EQ((GroupCodec<4, true>::row_bytes(67)), 34 + 34);
}

TEST(GroupCodec, WhatCannotBeHeldIsRefused) {
  std::vector<std::byte> bytes(200);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          -std::numeric_limits<float>::infinity(), 65504.0f * 129}) {
    std::vector<float> row(70, 1.0f);
    row[66] = bad;
    EXPECT_FALSE((GroupCodec<8, false>::encode(row, bytes.data()))) << bad;
    EXPECT_FALSE((GroupCodec<4, false>::encode(row, bytes.data()))) << bad;
    EXPECT_FALSE((GroupCodec<4, true>::encode(row, bytes.data()))) << bad;
  }
  const std::vector<float> greatest = {-65504.0f * 128, 65504.0f * 127};
  EXPECT_EQ((there_and_back<8, false>(greatest)), greatest);
}

TEST(GroupCodec, ScalesThatAreNotFiniteAreRefused) {
  std::vector<float> row(64);
  std::vector<std::byte> bytes(34);
  for (const int high : {0x7c, 0xfc, 0x7e}) {
    bytes[1] = static_cast<std::byte>(high);
    EXPECT_FALSE((GroupCodec<4, false>::decode(bytes.data(), row)));
    EXPECT_FALSE((GroupCodec<4, true>::decode(bytes.data(), row)));
  }
  bytes[1] = std::byte{0x7b};
  EXPECT_TRUE((GroupCodec<4, false>::decode(bytes.data(), row)));
}

}  // namespace
}  // namespace verge::net
