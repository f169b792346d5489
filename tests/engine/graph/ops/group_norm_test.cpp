#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs groups(int64_t count, double eps = 0) {
  return {{"groups", count}, {"eps", eps}};
}

TEST(GroupNorm, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 6, 2, 2}}, channel{DType::F32, {6}};
  EXPECT_EQ(inferred("group_norm", {x, channel, channel}, groups(3)),
            "f32 [n, 6, 2, 2], f32 [n, 3], f32 [n, 3]");
  expect_refused("group_norm", {x, channel, channel}, groups(4), "6 channels are no multiple of 4");
  expect_refused("group_norm", {x, {DType::F32, {3}}, channel}, groups(3), "input 1 is [3]");
}

TEST(GroupNorm, NormalizesEachGroupOfAnImage) {
  const auto outputs = evaluate(
      "group_norm",
      {given({1, 4, 1, 1}, {1, 5, 10, 30}), given({4}, {1, 2, 3, 4}), given({4}, {0, 0, 0, 100})},
      groups(2));
  expect_near(outputs[0], {-1, 2, -3, 104});
  expect_near(outputs[1], {3, 20});
  expect_near(outputs[2], {0.5, 0.1});
}

TEST(GroupNorm, Gradient) {
  expect_gradient("group_norm", {trained({2, 4, 2, 2}), trained({4}), trained({4})},
                  groups(2, 1e-5));
}

}  // namespace
}  // namespace verge::support
