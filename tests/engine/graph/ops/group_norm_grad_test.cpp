#include "op_check.hpp"

namespace verge::support {
namespace {

// A constant gradient vanishes: the norm does not see the mean of a group.
TEST(GroupNormGrad, IgnoresTheMeanOfAGroup) {
  const auto grads = evaluate("group_norm_grad",
                              {given({1, 2, 1, 1}, {1, 5}), given({2}, {1, 1}), given({1, 1}, {3}),
                               given({1, 1}, {0.5}), given({1, 2, 1, 1}, {7, 7})},
                              {{"groups", int64_t{1}}});
  expect_near(grads[0], {0, 0});
  expect_near(grads[1], {-7, 7});
  expect_near(grads[2], {7, 7});
}

}  // namespace
}  // namespace verge::support
