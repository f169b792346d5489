#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(SoftmaxGrad, Values) {
  expect_values("softmax_grad", {given({2}, {0.25, 0.75}), given({2}, {1, 2})}, {},
                {-0.1875, 0.1875});
}

}  // namespace
}  // namespace verge::support
