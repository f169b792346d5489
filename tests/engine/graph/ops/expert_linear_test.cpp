#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ExpertLinear, ShapeRule) {
  const graph::Type w{DType::Q8_0, {4, 8, 32}}, ids{DType::I32, {graph::Dim(1, 0), 2}};
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 1, 32}};
  EXPECT_EQ(inferred("expert_linear", {x, w, ids}), "f32 [n, 2, 8]");
  expect_refused("expert_linear", {{DType::F32, {graph::Dim(1, 0), 3, 32}}, w, ids}, {},
                 "x has extent 3 along axis 1 instead of 2");
}

TEST(ExpertLinear, EachTokenUsesItsExperts) {
  const Operand w = given({3, 1, 2}, {1, 1, 10, 10, 100, 0}), ids = integers({2, 2}, {2, 0, 1, 2});
  expect_values("expert_linear", {given({2, 1, 2}, {1, 2, 3, 4}), w, ids}, {}, {100, 3, 70, 300});
  expect_values("expert_linear", {given({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), w, ids}, {},
                {100, 7, 110, 700});
}

TEST(ExpertLinear, Gradient) {
  const Operand ids = integers({3, 2}, {1, 0, 3, 1, 1, 3});
  expect_gradient("expert_linear", {trained({3, 1, 2}), trained({4, 3, 2}), ids});
  expect_gradient("expert_linear", {trained({3, 2, 2}), trained({4, 3, 2}), ids});
}

}  // namespace
}  // namespace verge::support
