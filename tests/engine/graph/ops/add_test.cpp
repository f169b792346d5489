#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Add, ShapeRuleBroadcasts) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 4}};
  EXPECT_EQ(inferred("add", {x, {DType::F32, {4}}}), "f32 [n, 4]");
  EXPECT_EQ(inferred("add", {{DType::F32, {4, 1}}, {DType::F32, {3, 1, 5}}}), "f32 [3, 4, 5]");
  expect_refused("add", {x, {DType::F32, {5}}}, {}, "differ along axis 1: 4 and 5");
}

TEST(Add, Values) {
  expect_values("add", {given({2, 2}, {1, 2, 3, 4}), given({2, 1}, {10, 20})}, {},
                {11, 12, 23, 24});
}

TEST(Add, Gradient) {
  expect_gradient("add", {trained({2, 3, 4}), trained({3, 1})});
  expect_gradient("add", {trained({3}), trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
