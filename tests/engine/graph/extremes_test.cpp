#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include <verge/engine/graph/extremes.hpp>

namespace verge::graph {
namespace {

TEST(Extremes, WhatIsNoNumberWins) {
  EXPECT_EQ(larger(1.0f, 2.0f), 2.0f);
  EXPECT_EQ(smaller(1.0f, 2.0f), 1.0f);
  const std::pair<double, double> pairs[] = {{NAN, 1}, {1, NAN}, {NAN, NAN}};
  for (const auto& [a, b] : pairs) {
    EXPECT_TRUE(std::isnan(larger(a, b)));
    EXPECT_TRUE(std::isnan(smaller(a, b)));
  }
  EXPECT_FALSE(std::signbit(larger(0.0, -0.0)));
}

}  // namespace
}  // namespace verge::graph
