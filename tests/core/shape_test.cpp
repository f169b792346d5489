#include <gtest/gtest.h>

#include <verge/core/shape.hpp>

namespace verge {
namespace {

TEST(Shape, CountsRowsAndPrints) {
  const Shape shape{2, 3, 64};
  EXPECT_EQ(shape.count(), 384);
  EXPECT_EQ(shape.rows(), 6);
  EXPECT_EQ(shape.str(), "[2, 3, 64]");
  EXPECT_EQ(Shape{}.count(), 1);
  EXPECT_NE(shape, (Shape{2, 3}));
}

}  // namespace
}  // namespace verge
