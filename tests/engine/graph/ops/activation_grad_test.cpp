#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ActivationGrad, RefusesAnUnknownActivation) {
  const graph::Type x{DType::F32, {2}};
  expect_refused("activation_grad", {x, x}, {{"of", "sine"}}, "of is \"sine\"");
  EXPECT_EQ(inferred("activation_grad", {x, x}, {{"of", "silu"}}), "f32 [2]");
}

TEST(ActivationGrad, TakesYOfSigmoidAndTanh) {
  const Operand dy = given({1}, {3});
  expect_values("activation_grad", {given({1}, {0.25}), dy}, {{"of", "sigmoid"}},
                {3 * 0.25 * 0.75});
  expect_values("activation_grad", {given({1}, {0.5}), dy}, {{"of", "tanh"}}, {3 * 0.75});
}

}  // namespace
}  // namespace verge::support
