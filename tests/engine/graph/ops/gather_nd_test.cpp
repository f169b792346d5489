#include "op_check.hpp"

namespace verge::support {
namespace {

const graph::Attrs kBatch = {{"batch_axes", int64_t{1}}};

TEST(GatherNd, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3, 4}};
  EXPECT_EQ(inferred("gather_nd", {x, {DType::I32, {5, 2}}}), "f32 [5, 4]");
  EXPECT_EQ(inferred("gather_nd", {x, {DType::I32, {7, 6, 3}}}), "f32 [7, 6]");
  EXPECT_EQ(inferred("gather_nd", {x, {DType::I32, {2, 5, 1}}}, kBatch), "f32 [2, 5, 4]");
  expect_refused("gather_nd", {x, {DType::I32, {5, 4}}}, {}, "4 axes");
  expect_refused("gather_nd", {x, {DType::I32, {3, 1}}}, kBatch, "indices");
  expect_refused("gather_nd", {x, {DType::I32, {}}}, {}, "indices");
}

TEST(GatherNd, Values) {
  const Operand x = given({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  expect_values("gather_nd", {x, integers({2, 2}, {0, 1, -1, 0})}, {}, {3, 4, 5, 6});
  expect_values("gather_nd", {x, integers({2, 3}, {0, 0, 1, 1, 1, 0})}, {}, {2, 7});
  expect_values("gather_nd", {x, integers({2, 1}, {1, 0})}, kBatch, {3, 4, 5, 6});
  expect_values("gather_nd", {x, integers({2, 2, 2}, {1, 1, 0, 0, 0, 1, 9, -9})}, kBatch,
                {4, 1, 6, 7});
}

TEST(GatherNd, Gradient) {
  expect_gradient("gather_nd", {trained({2, 3, 2}), integers({4, 2}, {0, 0, 1, 2, 0, 0, 1, -1})});
  expect_gradient("gather_nd", {trained({2, 3, 2}), integers({2, 2, 1}, {0, 0, 2, 1})}, kBatch);
  const Operand beyond = integers({3, 2}, {7, 0, -9, 5, 1, 2});
  expect_gradient("gather_nd", {trained({2, 3, 2}), beyond});
  expect_gradient("gather_nd", {trained({2, 3, 2}), beyond}, {{"beyond", std::string("nowhere")}});
}

}  // namespace
}  // namespace verge::support
