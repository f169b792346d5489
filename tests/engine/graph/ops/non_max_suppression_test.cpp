#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs rule(int64_t most, double iou) {
  return {{"most", most}, {"iou", iou}};
}

TEST(NonMaxSuppression, ShapeRule) {
  const graph::Type boxes{DType::F32, {2, 6, 4}}, scores{DType::F32, {2, 3, 6}};
  EXPECT_EQ(inferred("non_max_suppression", {boxes, scores}, rule(4, 0.5)), "i32 [24, 3], i32 [1]");
  EXPECT_EQ(inferred("non_max_suppression", {boxes, scores}, rule(100, 0.5)),
            "i32 [36, 3], i32 [1]");
  expect_refused("non_max_suppression", {boxes, scores}, rule(0, 0.5), "at most 0 boxes");
  expect_refused("non_max_suppression", {boxes, {DType::F32, {2, 3, 5}}}, rule(1, 0.5), "scores");
  expect_refused("non_max_suppression", {{DType::F32, {2, 6, 5}}, scores}, rule(1, 0.5), "boxes");
}

// Two of one place, one apart; corners in either order.
const Operand kBoxes = given({1, 3, 4}, {0, 0, 1, 1, 1, 1.1, 0, 0.1, 5, 5, 6, 6});

TEST(NonMaxSuppression, RowsBeyondTheSelectedAreMinusOne) {
  const Operand scores = given({1, 2, 3}, {0.8, 0.9, 0.7, 0.1, 0.2, 0.3});
  graph::Attrs attrs = rule(3, 0.5);
  attrs.set("score", 0.15);
  const auto found = evaluate("non_max_suppression", {kBoxes, scores}, attrs);
  expect_near(found[0], {0, 0, 1, 0, 0, 2, 0, 1, 2, 0, 1, 1, -1, -1, -1, -1, -1, -1});
  expect_near(found[1], {4});
}

TEST(NonMaxSuppression, KeepsTheMostOfEachClass) {
  const Operand scores = given({1, 2, 3}, {0.8, 0.8, 0.9, NAN, 0.2, 0.3});
  expect_values("non_max_suppression", {kBoxes, scores}, rule(1, 0.5), {0, 0, 2, 0, 1, 2});
  expect_values("non_max_suppression", {kBoxes, scores}, rule(2, 0.99),
                {0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 1, 1});
}

}  // namespace
}  // namespace verge::support
