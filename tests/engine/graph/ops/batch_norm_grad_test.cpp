#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(BatchNormGrad, NeedsXForTheScaleOnly) {
  const Operand dy = given({1, 1, 1, 2}, {1, 3}), scale = given({1}, {5}), var = given({1}, {4});
  const auto without = evaluate("batch_norm_grad", {dy, scale, var}, {{"eps", 0.0}});
  ASSERT_EQ(without.size(), 2u);
  expect_near(without[0], {2.5, 7.5});
  expect_near(without[1], {4});
  const auto with =
      evaluate("batch_norm_grad", {dy, scale, var, given({1, 1, 1, 2}, {2, 6}), given({1}, {2})},
               {{"eps", 0.0}});
  expect_near(with[2], {6});
}

}  // namespace
}  // namespace verge::support
