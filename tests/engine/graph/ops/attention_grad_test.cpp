#include "op_check.hpp"

namespace verge::support {
namespace {

// One token that sees itself only: o = v, so dv = do and nothing reaches q and k.
TEST(AttentionGrad, OfOneToken) {
  const Operand x = given({1, 1, 1, 2}, {1, 2}), d_o = given({1, 1, 1, 2}, {5, 7});
  const auto grads = evaluate("attention_grad", {x, x, x, x, given({1, 1, 1}, {5}), d_o});
  expect_near(grads[0], {0, 0});
  expect_near(grads[1], {0, 0});
  expect_near(grads[2], {5, 7});
}

}  // namespace
}  // namespace verge::support
