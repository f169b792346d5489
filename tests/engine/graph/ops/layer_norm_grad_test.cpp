#include "op_check.hpp"

namespace verge::support {
namespace {

// A constant gradient vanishes: the norm does not see the mean of x.
TEST(LayerNormGrad, IgnoresTheMeanOfX) {
  const auto outputs =
      evaluate("layer_norm_grad", {given({1, 2}, {1, 5}), given({2}, {1, 1}), given({1}, {3}),
                                   given({1}, {0.5}), given({1, 2}, {7, 7})});
  expect_near(outputs[0], {0, 0});
  expect_near(outputs[1], {-7, 7});
  expect_near(outputs[2], {7, 7});
}

}  // namespace
}  // namespace verge::support
