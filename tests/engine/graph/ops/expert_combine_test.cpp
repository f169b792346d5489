#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ExpertCombine, ShapeRule) {
  const graph::Type y{DType::F32, {graph::Dim(1, 0), 2, 8}};
  EXPECT_EQ(inferred("expert_combine", {y, {DType::F32, {graph::Dim(1, 0), 2}}}), "f32 [n, 8]");
  expect_refused("expert_combine", {y, {DType::F32, {graph::Dim(1, 0), 3}}}, {},
                 "weights is [n, 3] instead of [n, 2]");
}

TEST(ExpertCombine, WeighsAndSums) {
  expect_values("expert_combine", {given({1, 2, 2}, {1, 2, 3, 4}), given({1, 2}, {10, 1})}, {},
                {13, 24});
}

TEST(ExpertCombine, Gradient) {
  expect_gradient("expert_combine", {trained({2, 3, 4}), trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
