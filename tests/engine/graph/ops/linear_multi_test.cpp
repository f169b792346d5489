#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LinearMulti, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 4}};
  const graph::Type w{DType::F32, {2, 4}}, bias{DType::F32, {2}};
  EXPECT_EQ(inferred("linear_multi", {x, w, bias, {DType::F32, {3, 4}}, {DType::F32, {3}}}),
            "f32 [n, 2], f32 [n, 3]");
  expect_refused("linear_multi", {x, w, bias, {DType::F32, {3, 5}}, bias}, {},
                 "weight has extent 5 along axis 1 instead of 4");
}

TEST(LinearMulti, IsLinearForEachPair) {
  const Operand x = fixed({3, 4}), w1 = fixed({2, 4}), b1 = fixed({2}), w2 = fixed({5, 4});
  const auto both = evaluate("linear_multi", {x, w1, b1, w2, absent()});
  expect_near(both[0], evaluate("linear", {x, w1, b1})[0]);
  expect_near(both[1], evaluate("linear", {x, w2})[0]);
}

}  // namespace
}  // namespace verge::support
