#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(EmbeddingGrad, ShapeRule) {
  const graph::Type ids{DType::I32, {2}}, dy{DType::F32, {2, 3}};
  EXPECT_EQ(inferred("embedding_grad", {ids, dy, {DType::Q8_0, {7, 3}}}), "f32 [7, 3]");
  EXPECT_EQ(inferred("embedding_grad", {ids, dy}, graph::dims_attrs({7})), "f32 [7, 3]");
  expect_refused("embedding_grad", {ids, dy}, {}, "how many rows");
}

TEST(EmbeddingGrad, SumsTheRowsOfAnId) {
  expect_values("embedding_grad", {integers({3}, {1, 0, 1}), given({3, 1}, {1, 10, 100})},
                graph::dims_attrs({3}), {10, 101, 0});
}

}  // namespace
}  // namespace verge::support
