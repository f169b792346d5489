#include <set>

#include <gtest/gtest.h>

#include <verge/core/entropy.hpp>

namespace verge {
namespace {

TEST(Entropy, NoSeedComesTwice) {
  std::set<uint64_t> seeds, high;
  for (int i = 0; i < 100; ++i) {
    const uint64_t seed = secret_seed();
    seeds.insert(seed);
    high.insert(seed >> 32);
  }
  EXPECT_EQ(seeds.size(), 100u);
  EXPECT_GT(high.size(), 95u);
}

}  // namespace
}  // namespace verge
