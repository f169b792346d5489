#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/box_selection.hpp>

namespace verge::graph {
namespace {

TEST(BoxSelection, OverlapIsOfTheSharedArea) {
  const std::vector<double> corners = {0, 0, 2, 2, 1, 3, 3, 1, 0, 0, 0, 5};
  const auto sides = sides_of(corners.data(), 3, false);
  EXPECT_DOUBLE_EQ(overlap(sides[0], sides[1]), 1.0 / 7);
  EXPECT_DOUBLE_EQ(overlap(sides[0], sides[0]), 1);
  EXPECT_EQ(overlap(sides[2], sides[2]), 0);  // no area
  const std::vector<double> centers = {1, 1, 2, 2, 2, 2, 2, 2};
  const auto around = sides_of(centers.data(), 2, true);
  EXPECT_DOUBLE_EQ(overlap(around[0], around[1]), 1.0 / 7);
}

// What is left must be sorted, apart from each other, and each that is gone close to a better one.
TEST(BoxSelection, LeavesNoTwoOfOnePlaceAndDropsNothingElse) {
  Rng rng(3);
  for (int trial = 0; trial < 20; ++trial) {
    constexpr int64_t kBoxes = 60;
    std::vector<double> corners, scores;
    for (int64_t i = 0; i < kBoxes; ++i) {
      const double y = rng.uniform() * 4, x = rng.uniform() * 4;
      corners.insert(corners.end(), {y, x, y + 0.5 + rng.uniform(), x + 0.5 + rng.uniform()});
      scores.push_back(std::floor(rng.uniform() * 20) / 20);
    }
    const BoxRule rule{.iou = 0.3, .score = 0.2, .most = kBoxes};
    const auto sides = sides_of(corners.data(), kBoxes, false);
    const auto kept = select_boxes(sides, scores.data(), rule);
    const auto at = [](const auto& list, int64_t i) { return list[static_cast<size_t>(i)]; };
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_GT(at(scores, kept[i]), 0.2);
      for (size_t j = 0; j < i; ++j) {
        EXPECT_LE(overlap(at(sides, kept[i]), at(sides, kept[j])), 0.3);
        EXPECT_GE(at(scores, kept[j]), at(scores, kept[i]));
      }
    }
    for (int64_t i = 0; i < kBoxes; ++i) {
      if (std::ranges::count(kept, i) > 0 || at(scores, i) <= 0.2) continue;
      EXPECT_TRUE(std::ranges::any_of(kept, [&](int64_t better) {
        return at(scores, better) >= at(scores, i) &&
               overlap(at(sides, better), at(sides, i)) > 0.3;
      })) << i;
    }
  }
}

}  // namespace
}  // namespace verge::graph
