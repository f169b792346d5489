#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs order(std::vector<int64_t> perm) {
  return {{"perm", perm}};
}

TEST(Transpose, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 3}};
  EXPECT_EQ(inferred("transpose", {x}, order({2, 0, 1})), "f32 [3, n, 2]");
  expect_refused("transpose", {x}, order({0, 0, 1}), "each of the 3 axes of x once");
}

TEST(Transpose, Values) {
  expect_values("transpose", {given({2, 3}, {1, 2, 3, 4, 5, 6})}, order({1, 0}),
                {1, 4, 2, 5, 3, 6});
  expect_values("transpose", {given({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7})}, order({2, 0, 1}),
                {0, 2, 4, 6, 1, 3, 5, 7});
}

TEST(Transpose, Gradient) {
  expect_gradient("transpose", {trained({2, 3, 4})}, order({2, 0, 1}));
}

}  // namespace
}  // namespace verge::support
