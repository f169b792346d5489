#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/vision/quad.hpp>

namespace verge::serve {
namespace {

Quad turned_rectangle(Point centre, double width, double height, double angle) {
  Quad quad;
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (size_t i = 0; i < 4; ++i) {
    const double x = signs[i][0] * width / 2, y = signs[i][1] * height / 2;
    quad[i] = {centre.x + x * std::cos(angle) - y * std::sin(angle),
               centre.y + x * std::sin(angle) + y * std::cos(angle)};
  }
  return quad;
}

TEST(Quad, TheHullHoldsAllPointsAndNoOthers) {
  Rng rng(1);
  std::vector<Point> points = {{0, 0}, {10, 0}, {10, 10}, {0, 10}, {5, 0}, {0, 0}};
  for (int i = 0; i < 50; ++i) points.push_back({rng.uniform() * 10, rng.uniform() * 10});
  EXPECT_EQ(convex_hull(points).size(), 4u);
  EXPECT_EQ(convex_hull({{1, 1}, {1, 1}}).size(), 1u);
  EXPECT_EQ(convex_hull({{0, 0}, {1, 1}, {2, 2}}).size(), 2u);
}

// Points of a turned rectangle give it back.
TEST(Quad, TheSmallestRectangleIsTheOneThatWasDrawn) {
  for (double angle = -0.7; angle <= 0.7; angle += 0.1) {
    const Quad wanted = turned_rectangle({50, 40}, 30, 10, angle);
    std::vector<Point> points(wanted.begin(), wanted.end());
    Rng rng(2);
    for (int i = 0; i < 30; ++i) {
      const double u = rng.uniform(), v = rng.uniform();
      points.push_back(
          {wanted[0].x + u * (wanted[1].x - wanted[0].x) + v * (wanted[3].x - wanted[0].x),
           wanted[0].y + u * (wanted[1].y - wanted[0].y) + v * (wanted[3].y - wanted[0].y)});
    }
    const Quad found = smallest_rectangle(points);
    EXPECT_NEAR(width_of(found), 30, 1e-6) << angle;
    EXPECT_NEAR(height_of(found), 10, 1e-6) << angle;
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(distance(found[i], wanted[i]), 0, 1e-6) << angle;
  }
}

TEST(Quad, DegenerateOnesAreRectangles) {
  const Point line[] = {{1, 1}, {4, 5}};
  const Quad found = smallest_rectangle(line);
  EXPECT_NEAR(std::max(width_of(found), height_of(found)), 5, 1e-9);
  EXPECT_NEAR(std::min(width_of(found), height_of(found)), 0, 1e-9);
  EXPECT_EQ(width_of(smallest_rectangle({})), 0);
}

TEST(Quad, GrowingMovesEachSide) {
  const Quad quad = grown(turned_rectangle({0, 0}, 30, 10, 0.4), 3);
  EXPECT_NEAR(width_of(quad), 36, 1e-9);
  EXPECT_NEAR(height_of(quad), 16, 1e-9);
  EXPECT_NEAR((quad[0].x + quad[2].x) / 2, 0, 1e-9);
}

TEST(Quad, ContainsItsInsideOnly) {
  const Quad quad = turned_rectangle({20, 20}, 10, 4, 0.5);
  EXPECT_TRUE(contains(quad, {20, 20}));
  EXPECT_TRUE(contains(quad, quad[2]));
  EXPECT_FALSE(contains(quad, {20, 24}));
  EXPECT_FALSE(contains(quad, {14, 14}));
}

}  // namespace
}  // namespace verge::serve
