#include <cmath>

#include <gtest/gtest.h>

#include <verge/stages/serve/vision/warp.hpp>

namespace verge::serve {
namespace {

Image ramp(int64_t height, int64_t width) {
  Image image(height, width);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      image.at(y, x)[0] = static_cast<uint8_t>(x);
      image.at(y, x)[1] = static_cast<uint8_t>(y);
    }
  }
  return image;
}

TEST(Warp, AnUprightQuadIsACrop) {
  const Image image = ramp(60, 100);
  const Image part =
      upright_crop(image, {Point{10, 20}, Point{50, 20}, Point{50, 32}, Point{10, 32}});
  const Image wanted = crop(image, 20, 10, 12, 40);
  EXPECT_EQ(part.height, 12);
  EXPECT_EQ(part.pixels, wanted.pixels);
}

// On a ramp a pixel's value says where it is from.
TEST(Warp, ATurnedQuadIsReadAlongItsSides) {
  const Image image = ramp(120, 120);
  const double angle = 0.4;
  const Point right = {std::cos(angle), std::sin(angle)}, down = {-right.y, right.x};
  const auto at = [&](double u, double v) -> Point {
    return {40 + u * right.x + v * down.x, 30 + u * right.y + v * down.y};
  };
  const Image part = upright_crop(image, {at(0, 0), at(50, 0), at(50, 20), at(0, 20)});
  ASSERT_EQ(part.width, 50);
  ASSERT_EQ(part.height, 20);
  for (int64_t y = 0; y < 20; y += 3) {
    for (int64_t x = 0; x < 50; x += 7) {
      const Point from = at(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
      EXPECT_NEAR(part.at(y, x)[0], from.x - 0.5, 0.6);
      EXPECT_NEAR(part.at(y, x)[1], from.y - 0.5, 0.6);
    }
  }
}

TEST(Warp, BeyondTheEdgeTheEdgeGoesOn) {
  const Image image = ramp(30, 30);
  const Image part =
      upright_crop(image, {Point{-10, -10}, Point{5, -10}, Point{5, 5}, Point{-10, 5}});
  EXPECT_EQ(part.at(0, 0)[0], 0);
  EXPECT_EQ(part.at(14, 14)[0], 4);
  EXPECT_EQ(upright_crop(image, {}).pixels.size(), 3u);
}

TEST(Warp, TurnsMoveCorners) {
  const Image image = ramp(3, 5);
  const Image left = turned_left(image);
  EXPECT_EQ(left.height, 5);
  EXPECT_EQ(left.at(0, 0)[0], 4);  // the top right corner
  EXPECT_EQ(left.at(4, 2)[1], 2);
  EXPECT_EQ(left.at(4, 2)[0], 0);
  const Image over = turned_over(image);
  EXPECT_EQ(over.at(0, 0)[0], 4);
  EXPECT_EQ(over.at(0, 0)[1], 2);
}

}  // namespace
}  // namespace verge::serve
