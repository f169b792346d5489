#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/softmax.hpp>

namespace verge::graph {
namespace {

TEST(SoftmaxRow, ReturnsTheLogOfTheSum) {
  std::vector<double> scores = {1000, 1000 + std::log(3.0)};
  EXPECT_NEAR(softmax_row(scores), 1000 + std::log(4.0), 1e-12);
  EXPECT_NEAR(scores[0], 0.25, 1e-12);
  EXPECT_NEAR(scores[1], 0.75, 1e-12);
}

}  // namespace
}  // namespace verge::graph
