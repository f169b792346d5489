#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/drawing/layout.hpp>

namespace verge::graph {
namespace {

Layout random_layout(uint64_t seed) {
  Rng rng(seed);
  Layout layout;
  for (size_t i = 0; i < 40; ++i) {
    layout.boxes.push_back({40.0 + rng.below(200), 20.0 + rng.below(60), i / 15, 0, 0});
    for (uint32_t k = rng.below(3); i > 0 && k > 0; --k) {
      layout.edges.push_back({rng.below(static_cast<uint32_t>(i)), i, {}});
    }
  }
  lay_out(layout);
  return layout;
}

bool overlap(const LayoutBox& a, const LayoutBox& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

TEST(Layout, BoxesDoNotOverlapAndEdgesGoDown) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Layout layout = random_layout(seed);
    for (size_t i = 0; i < layout.boxes.size(); ++i) {
      EXPECT_GE(layout.boxes[i].x, -1e-9);
      EXPECT_LE(layout.boxes[i].x + layout.boxes[i].width, layout.width + 1e-9);
      for (size_t j = 0; j < i; ++j) {
        EXPECT_FALSE(overlap(layout.boxes[i], layout.boxes[j])) << i << " " << j << " " << seed;
      }
    }
    for (const LayoutEdge& edge : layout.edges) {
      const LayoutBox &from = layout.boxes[edge.from], &to = layout.boxes[edge.to];
      EXPECT_GE(to.y, from.y + from.height);
      EXPECT_EQ(edge.points.front().second, from.y + from.height);
      EXPECT_EQ(edge.points.back().second, to.y);
    }
  }
}

TEST(Layout, SegmentsHaveLayersOfTheirOwn) {
  const Layout layout = random_layout(3);
  for (const LayoutBox& a : layout.boxes) {
    for (const LayoutBox& b : layout.boxes) {
      if (a.segment >= b.segment) continue;
      EXPECT_LE(a.y + a.height, b.y);
    }
  }
}

TEST(Layout, AChainIsStraight) {
  Layout layout;
  for (size_t i = 0; i < 5; ++i) {
    layout.boxes.push_back({50.0 + 10 * static_cast<double>(i), 20, 0, 0, 0});
    if (i > 0) layout.edges.push_back({i - 1, i, {}});
  }
  lay_out(layout);
  for (const LayoutBox& box : layout.boxes) {
    EXPECT_NEAR(box.centre(), layout.boxes[0].centre(), 1e-6);
  }
}

}  // namespace
}  // namespace verge::graph
