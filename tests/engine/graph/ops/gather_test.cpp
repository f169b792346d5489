#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Gather, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 3, 2}}, indices{DType::I32, {4, 5}};
  EXPECT_EQ(inferred("gather", {x, indices}, {{"axis", int64_t{1}}}), "f32 [n, 4, 5, 2]");
  EXPECT_EQ(inferred("gather", {x, {DType::I32, {}}}, {{"axis", int64_t{-1}}}), "f32 [n, 3]");
  expect_refused("gather", {x, indices}, {{"axis", int64_t{3}}}, "axis 3");
  expect_refused("gather", {{DType::F32, {0}}, indices}, {}, "nothing to gather from");
}

TEST(Gather, Values) {
  const Operand x = given({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values("gather", {x, integers({3}, {2, 0, -1})}, {{"axis", int64_t{1}}},
                {3, 1, 3, 6, 4, 6});
  expect_values("gather", {x, integers({1, 2}, {1, 0})}, {}, {4, 5, 6, 1, 2, 3});
  expect_values("gather", {x, integers({2}, {9, -9})}, {{"axis", int64_t{1}}}, {3, 1, 6, 4});
  expect_values("gather", {x, given({2}, {NAN, HUGE_VAL})}, {{"axis", int64_t{1}}}, {1, 3, 4, 6});
}

TEST(Gather, Gradient) {
  const Operand twice = integers({2, 2}, {0, 2, -1, 2});
  expect_gradient("gather", {trained({3, 4}), twice});
  expect_gradient("gather", {trained({2, 3, 2}), twice}, {{"axis", int64_t{1}}});
  expect_gradient("gather", {trained({2, 3}), given({2}, {9, -9})}, {{"axis", int64_t{-1}}});
  expect_gradient("gather", {trained({2, 3}), integers({}, {1})}, {{"axis", int64_t{1}}});
}

}  // namespace
}  // namespace verge::support
