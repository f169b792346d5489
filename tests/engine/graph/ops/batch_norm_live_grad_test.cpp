#include "op_check.hpp"

namespace verge::support {
namespace {

// A constant gradient vanishes: the norm does not see the mean of a channel.
TEST(BatchNormLiveGrad, IgnoresTheMeanOfAChannel) {
  const auto grads = evaluate("batch_norm_live_grad",
                              {given({2, 1, 1, 1}, {1, 5}), given({1}, {1}), given({1}, {3}),
                               given({1}, {0.5}), given({2, 1, 1, 1}, {7, 7})});
  expect_near(grads[0], {0, 0});
  expect_near(grads[1], {0});
  expect_near(grads[2], {14});
}

// The norm gives -1 + bias and 1 + bias.
TEST(BatchNormLiveGrad, PassesWhereTheNormWasMoreThanZero) {
  const auto gradients = [](double bias) {
    return evaluate("batch_norm_live_grad",
                    {given({2, 1, 1, 1}, {1, 5}), given({1}, {1}), given({1}, {3}),
                     given({1}, {0.5}), given({2, 1, 1, 1}, {2, 7}), given({1}, {bias})});
  };
  expect_near(gradients(0)[1], {7});
  expect_near(gradients(0)[2], {7});
  expect_near(gradients(2)[1], {5});
  expect_near(gradients(2)[2], {9});
  expect_near(gradients(-1)[2], {0});  // 0 does not pass
}

}  // namespace
}  // namespace verge::support
