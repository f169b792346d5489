#include <algorithm>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/vision/detect.hpp>

namespace verge::serve {
namespace {

std::vector<Detection> random_boxes(uint64_t seed, int count) {
  Rng rng(seed);
  std::vector<Detection> boxes;
  for (int i = 0; i < count; ++i) {
    const double left = rng.uniform() * 60, top = rng.uniform() * 60;
    boxes.push_back({left, top, left + 5 + rng.uniform() * 40, top + 5 + rng.uniform() * 40,
                     static_cast<int64_t>(rng.uniform() * 3), rng.uniform()});
  }
  return boxes;
}

// Overlap by counting points of a fine grid.
double counted_overlap(const Detection& a, const Detection& b) {
  int64_t shared = 0, either = 0;
  for (double y = 0.05; y < 110; y += 0.25) {
    for (double x = 0.05; x < 110; x += 0.25) {
      const bool in_a = x >= a.left && x < a.right && y >= a.top && y < a.bottom;
      const bool in_b = x >= b.left && x < b.right && y >= b.top && y < b.bottom;
      shared += in_a && in_b;
      either += in_a || in_b;
    }
  }
  return static_cast<double>(shared) / static_cast<double>(either);
}

TEST(Detect, OverlapIsSharedAreaToCoveredArea) {
  const auto boxes = random_boxes(1, 12);
  for (size_t i = 0; i + 1 < boxes.size(); ++i) {
    EXPECT_NEAR(intersection_over_union(boxes[i], boxes[i + 1]),
                counted_overlap(boxes[i], boxes[i + 1]), 0.02);
  }
  EXPECT_EQ(intersection_over_union(boxes[0], boxes[0]), 1);
}

// The definition, by repeated search: the surest that is left is kept, and all of its class that
// it overlaps go.
std::vector<Detection> suppress_slowly(std::vector<Detection> left, double iou) {
  std::vector<Detection> kept;
  while (!left.empty()) {
    const auto best = std::ranges::max_element(left, {}, &Detection::confidence);
    const Detection surest = *best;
    left.erase(best);
    kept.push_back(surest);
    std::erase_if(left, [&](const Detection& box) {
      return box.index == surest.index && intersection_over_union(box, surest) > iou;
    });
  }
  return kept;
}

TEST(Detect, SuppressionIsTheDefinition) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double iou : {0.0, 0.2, 0.45, 0.9}) {
      const auto boxes = random_boxes(seed, 60);
      const auto wanted = suppress_slowly(boxes, iou);
      const auto found = suppress(boxes, {.confidence = 0, .iou = iou, .most = 300});
      ASSERT_EQ(found.size(), wanted.size()) << seed << " " << iou;
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].confidence, wanted[i].confidence);
      }
    }
  }
  EXPECT_EQ(suppress(random_boxes(3, 60), {.confidence = 0, .iou = 1, .most = 7}).size(), 7u);
}

TEST(Detect, TheShapeSaysTheHead) {
  const auto expect_head = [](int64_t rows, int64_t columns, int64_t labels, HeadKind kind,
                              int64_t boxes, int64_t classes) {
    const auto head = head_of(rows, columns, labels);
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->kind, kind) << rows << "x" << columns;
    EXPECT_EQ(head->boxes, boxes);
    EXPECT_EQ(head->classes, classes);
  };
  expect_head(84, 8400, 80, HeadKind::Columns, 8400, 80);
  expect_head(84, 8400, 0, HeadKind::Columns, 8400, 80);
  expect_head(25200, 85, 0, HeadKind::Objectness, 25200, 80);
  expect_head(25200, 6, 1, HeadKind::Objectness, 25200, 1);
  expect_head(25200, 6, 0, HeadKind::Objectness, 25200, 1);
  expect_head(300, 6, 80, HeadKind::Final, 300, 80);
  expect_head(8400, 84, 80, HeadKind::Rows, 8400, 80);
  EXPECT_FALSE(head_of(7, 7, 20));
  EXPECT_NE(head_of(3, 3, 0).error().message.find("3 x 3 with 0 labels"), std::string::npos);
}

// Two boxes and one that is unsure, two classes, written in each layout.
TEST(Detect, AllLayoutsSayTheSame) {
  const float rows[3][6] = {// centre, size, scores
                            {20, 30, 10, 20, 0.1f, 0.9f},
                            {60, 60, 8, 8, 0.75f, 0.25f},
                            {10, 10, 4, 4, 0.2f, 0.1f}};
  std::vector<float> objectness, columns(18), plain;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 6; ++k) {
      if (k == 4) objectness.push_back(0.5f);
      objectness.push_back(rows[i][k]);
      plain.push_back(rows[i][k]);
      columns[k * 3 + i] = rows[i][k];
    }
  }
  const std::vector<float> final_rows = {15, 20,    25, 40, 0.9f, 1,  56, 56,   64,
                                         64, 0.75f, 0,  8,  8,    12, 12, 0.2f, 0};
  const std::tuple<HeadKind, std::vector<float>, double> layouts[] = {
      {HeadKind::Objectness, objectness, 0.5},
      {HeadKind::Columns, columns, 1},
      {HeadKind::Rows, plain, 1},
      {HeadKind::Final, final_rows, 1}};
  for (const auto& [kind, values, factor] : layouts) {
    const auto found = detections_of({kind, 3, 2}, values, {.confidence = 0.3});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].index, 1);
    EXPECT_NEAR(found[0].confidence, 0.9 * factor, 1e-6);
    EXPECT_NEAR(found[0].left, 15, 1e-6);
    EXPECT_NEAR(found[0].bottom, 40, 1e-6);
    EXPECT_EQ(found[1].index, 0);
    EXPECT_NEAR(found[1].top, 56, 1e-6);
  }
}

TEST(Detect, BoxesComeBackIntoThePicture) {
  const Placement half{0.5, 0.5, 10, 0};
  const auto boxes = in_picture({{5, 5, 30, 20, 0, 1}, {-9, 0, 8, 4, 0, 1}}, half, 30, 60);
  ASSERT_EQ(boxes.size(), 1u);  // the second lies left of the picture
  EXPECT_EQ(boxes[0].left, 0);
  EXPECT_EQ(boxes[0].top, 10);
  EXPECT_EQ(boxes[0].right, 40);
  EXPECT_EQ(boxes[0].bottom, 30);
}

}  // namespace
}  // namespace verge::serve
