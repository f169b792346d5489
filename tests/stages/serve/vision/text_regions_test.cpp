#include <cmath>

#include <gtest/gtest.h>

#include <verge/stages/serve/vision/text_regions.hpp>

namespace verge::serve {
namespace {

struct Map {
  int64_t height, width;
  std::vector<float> values;

  Map(int64_t rows, int64_t columns)
      : height(rows), width(columns), values(static_cast<size_t>(rows * columns), 0.01f) {}
  /// All pixels whose centres lie in a turned rectangle.
  void fill(Point centre, double across, double down, double angle, float value) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const double dx = static_cast<double>(x) - centre.x, dy = static_cast<double>(y) - centre.y;
        const double along = dx * std::cos(angle) + dy * std::sin(angle);
        const double off = dy * std::cos(angle) - dx * std::sin(angle);
        if (std::abs(along) <= across / 2 && std::abs(off) <= down / 2) {
          values[static_cast<size_t>(y * width + x)] = value;
        }
      }
    }
  }
  std::vector<TextRegion> regions(const TextRegionOptions& options = {}) const {
    return text_regions(values, height, width, options);
  }
};

// An upright rectangle of 61 x 11 pixels: area * 1.8 / perimeter is added around.
TEST(TextRegions, ARectangleGrowsByTheRule) {
  Map map(100, 200);
  map.fill({100, 50}, 60, 10, 0, 0.9f);
  const auto regions = map.regions();
  ASSERT_EQ(regions.size(), 1u);
  const double margin = 61.0 * 11 * 1.8 / 144;
  EXPECT_NEAR(regions[0].quad[0].x, 70 - margin, 1e-6);
  EXPECT_NEAR(regions[0].quad[0].y, 45 - margin, 1e-6);
  EXPECT_NEAR(regions[0].quad[2].x, 131 + margin, 1e-6);
  EXPECT_NEAR(regions[0].quad[2].y, 56 + margin, 1e-6);
  EXPECT_NEAR(regions[0].confidence, 0.9, 1e-5);
}

TEST(TextRegions, ATurnedOneIsFoundTurned) {
  for (const double angle : {-0.5, -0.2, 0.3, 0.6}) {
    Map map(200, 200);
    map.fill({100, 100}, 100, 20, angle, 0.95f);
    const auto regions = map.regions({.unclip = 0});
    ASSERT_EQ(regions.size(), 1u) << angle;
    const Quad& quad = regions[0].quad;
    EXPECT_NEAR(width_of(quad), 100, 2) << angle;
    EXPECT_NEAR(height_of(quad), 20, 2) << angle;
    EXPECT_NEAR(std::atan2(quad[1].y - quad[0].y, quad[1].x - quad[0].x), angle, 0.03);
  }
}

TEST(TextRegions, WhatIsFaintOrTinyIsNoText) {
  Map map(100, 200);
  map.fill({50, 50}, 60, 10, 0, 0.5f);    // above the threshold, too unsure as a region
  map.fill({150, 50}, 2, 2, 0, 0.9f);     // a speck
  map.fill({150, 80}, 30, 10, 0, 0.29f);  // below the threshold
  EXPECT_TRUE(map.regions().empty());
  EXPECT_EQ(map.regions({.confidence = 0.4}).size(), 1u);
  EXPECT_EQ(map.regions({.threshold = 0.2, .confidence = 0.2}).size(), 2u);
}

TEST(TextRegions, ComeInReadingOrder) {
  Map map(120, 300);
  map.fill({230, 22}, 60, 10, 0, 0.9f);  // right end of the first line, a little higher
  map.fill({70, 25}, 60, 10, 0, 0.9f);
  map.fill({100, 80}, 60, 10, 0, 0.9f);
  const auto regions = map.regions();
  ASSERT_EQ(regions.size(), 3u);
  EXPECT_LT(regions[0].quad[0].x, 60);
  EXPECT_GT(regions[1].quad[0].x, 150);
  EXPECT_GT(regions[2].quad[0].y, 60);
  EXPECT_EQ(map.regions({.most = 2}).size(), 2u);
}

TEST(TextRegions, AnEmptyMapHasNone) {
  EXPECT_TRUE(Map(1, 1).regions().empty());
  EXPECT_TRUE(text_regions({}, 0, 0, {}).empty());
}

}  // namespace
}  // namespace verge::serve
