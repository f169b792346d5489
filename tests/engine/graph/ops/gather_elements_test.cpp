#include "op_check.hpp"

namespace verge::support {
namespace {

const graph::Attrs kFirstAxis = {{"axis", int64_t{0}}}, kLastAxis = {{"axis", int64_t{-1}}};

TEST(GatherElements, ShapeRule) {
  const graph::Type x{DType::F32, {3, 4}}, indices{DType::I32, {2, 4}};
  EXPECT_EQ(inferred("gather_elements", {x, indices}, kFirstAxis), "f32 [2, 4]");
  EXPECT_EQ(inferred("gather_elements", {x, {DType::I32, {3, 9}}}, kLastAxis), "f32 [3, 9]");
  expect_refused("gather_elements", {x, {DType::I32, {4, 4}}}, kLastAxis, "longer along axis 0");
  expect_refused("gather_elements", {x, {DType::I32, {4}}}, kFirstAxis, "indices");
  expect_refused("gather_elements", {x, indices}, {{"axis", int64_t{2}}}, "axis 2");
}

TEST(GatherElements, Values) {
  const Operand x = given({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values("gather_elements", {x, integers({2, 2}, {2, 0, -1, 1})}, kLastAxis, {3, 1, 6, 5});
  expect_values("gather_elements", {x, integers({1, 3}, {1, 0, -1})}, kFirstAxis, {4, 2, 6});
  expect_values("gather_elements", {x, integers({1, 3}, {9, -9, 0})}, kFirstAxis, {4, 2, 3});
}

TEST(GatherElements, Gradient) {
  expect_gradient("gather_elements",
                  {trained({3, 4}), integers({3, 3}, {0, 0, 3, 1, -1, 2, 0, 0, 0})}, kLastAxis);
  expect_gradient("gather_elements", {trained({3, 2}), integers({4, 2}, {0, 1, 1, 1, 2, 0, 0, -1})},
                  kFirstAxis);
  const Operand beyond = integers({2, 2}, {7, -9, 1, 5});
  expect_gradient("gather_elements", {trained({3, 2}), beyond}, kFirstAxis);
  expect_gradient("gather_elements", {trained({3, 2}), beyond},
                  {{"axis", int64_t{0}}, {"beyond", std::string("nowhere")}});
}

}  // namespace
}  // namespace verge::support
