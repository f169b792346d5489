#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs around(std::vector<int64_t> before, std::vector<int64_t> after, double value = 0) {
  return {{"before", before}, {"after", after}, {"value", value}};
}

TEST(Pad, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2}};
  EXPECT_EQ(inferred("pad", {x}, around({0, 1}, {0, 2})), "f32 [n, 5]");
  expect_refused("pad", {x}, around({1, 0}, {0, 0}), "axis 0 of extent n cannot be padded");
  expect_refused("pad", {x}, around({1}, {0, 0}), "1 and 2 entries for 2 axes");
}

TEST(Pad, Values) {
  expect_values("pad", {given({1, 2}, {1, 2})}, around({1, 0}, {0, 1}, 9), {9, 9, 9, 1, 2, 9});
}

TEST(Pad, Gradient) {
  expect_gradient("pad", {trained({2, 3})}, around({1, 2}, {0, 1}));
}

}  // namespace
}  // namespace verge::support
