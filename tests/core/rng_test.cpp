#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>

namespace verge {
namespace {

// Known answer of Philox 4x32-10 for counter 0 and key 0 (Random123's kat_vectors).
TEST(Rng, MatchesThePublishedVector) {
  Rng rng(0);
  EXPECT_EQ(rng.next(), 0x6627e8d5u);
  EXPECT_EQ(rng.next(), 0xe169c58du);
  EXPECT_EQ(rng.next(), 0xbc57ac4cu);
  EXPECT_EQ(rng.next(), 0x9b00dbd8u);
}

TEST(Rng, SeekContinuesTheSameSequence) {
  Rng whole(7, 3);
  std::vector<uint32_t> draws;
  for (int i = 0; i < 50; ++i) draws.push_back(whole.next());
  Rng resumed(7, 3);
  resumed.seek(23);
  for (int i = 23; i < 50; ++i) EXPECT_EQ(resumed.next(), draws[i]);
}

TEST(Rng, BelowIsUniform) {
  Rng rng(1);
  int counts[7] = {};
  for (int i = 0; i < 70000; ++i) ++counts[rng.below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(Rng, NormalHasUnitVariance) {
  Rng rng(2);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double draw = rng.normal();
    sum += draw;
    squares += draw * draw;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.02);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
}

}  // namespace
}  // namespace verge
