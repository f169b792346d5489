#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Dim;

TEST(Concat, ShapeRule) {
  const graph::Type x{DType::F32, {Dim(1, 0), 2}}, y{DType::F32, {Dim(1, 0), 3}};
  EXPECT_EQ(inferred("concat", {x, y, x}, {{"axis", int64_t{-1}}}), "f32 [n, 7]");
  EXPECT_EQ(inferred("concat", {x, x}, {{"axis", int64_t{0}}}), "f32 [2*n, 2]");
  expect_refused("concat", {x, y}, {{"axis", int64_t{0}}}, "input 1 is [n, 3]");
}

TEST(Concat, Values) {
  expect_values("concat", {given({2, 1}, {1, 2}), given({2, 2}, {3, 4, 5, 6})},
                {{"axis", int64_t{1}}}, {1, 3, 4, 2, 5, 6});
}

TEST(Concat, Gradient) {
  expect_gradient("concat", {trained({2, 1, 2}), trained({2, 3, 2})}, {{"axis", int64_t{1}}});
}

}  // namespace
}  // namespace verge::support
