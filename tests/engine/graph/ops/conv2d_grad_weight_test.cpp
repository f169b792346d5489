#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Conv2dGradWeight, CorrelatesXWithDy) {
  expect_values("conv2d_grad_weight",
                {given({1, 1, 1, 2}, {1, 10}), given({1, 1, 1, 3}, {1, 2, 3})},
                {{"kernel", std::vector<int64_t>{1, 2}}}, {21, 32});
}

}  // namespace
}  // namespace verge::support
