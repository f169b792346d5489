#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Embedding, ShapeRule) {
  const graph::Type table{DType::Q4_K, {100, 256}}, ids{DType::I32, {graph::Dim(1, 0)}};
  EXPECT_EQ(inferred("embedding", {table, ids}), "f32 [n, 256]");
  expect_refused("embedding", {table, {DType::F32, {2}}}, {}, "ids is f32 instead of i32");
}

TEST(Embedding, PicksAndScalesRows) {
  expect_values("embedding", {given({3, 2}, {1, 2, 3, 4, 5, 6}), integers({2}, {2, 0})},
                {{"scale", 2.0}}, {10, 12, 2, 4});
}

TEST(Embedding, GradientSumsRepeatedIds) {
  expect_gradient("embedding", {trained({4, 3}), integers({2, 2}, {1, 3, 1, 0})}, {{"scale", 3.0}});
}

}  // namespace
}  // namespace verge::support
