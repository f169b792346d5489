#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/nn/value_range.hpp>

namespace verge::nn {
namespace {

TEST(ValueRange, GrowsByWhatIsANumber) {
  ValueRange range;
  range.add(std::vector<float>{2, 1, NAN, INFINITY});
  EXPECT_EQ(range, (ValueRange{0, 2})) << "0 is within";
  range.add(std::vector<float>{-3, -INFINITY});
  EXPECT_EQ(range, (ValueRange{-3, 2}));
  EXPECT_EQ(range.magnitude(), 3);
}

}  // namespace
}  // namespace verge::nn
