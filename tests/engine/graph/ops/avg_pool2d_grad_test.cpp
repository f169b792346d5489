#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(AvgPool2dGrad, SharesTheGradient) {
  expect_values(
      "avg_pool2d_grad", {given({1, 1, 1, 2}, {2, 4})},
      {{"kernel", std::vector<int64_t>{1, 2}}, {"height", int64_t{1}}, {"width", int64_t{3}}},
      {1, 3, 2});
}

}  // namespace
}  // namespace verge::support
