#include <cmath>

#include <gtest/gtest.h>

#include <verge/cli/emulated_speed.hpp>

namespace verge::cli {
namespace {

TEST(EmulatedSpeed, IsAFactorOfOneOrMore) {
  EmulatedSpeedOptions options;
  EXPECT_EQ(*options.read(), 1);
  options.slow = 4.5;
  EXPECT_EQ(*options.read(), 4.5);
  for (const double slow : {0.5, 0.0, -1.0, std::nan("")}) {
    options.slow = slow;
    EXPECT_EQ(options.read().error().code, Code::InvalidArgument) << slow;
  }
}

}  // namespace
}  // namespace verge::cli
