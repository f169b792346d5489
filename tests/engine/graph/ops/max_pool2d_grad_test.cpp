#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(MaxPool2dGrad, GoesToTheWinner) {
  expect_values(
      "max_pool2d_grad", {given({1, 1, 1, 1}, {7}), given({1, 1, 1, 1}, {2}, DType::U8)},
      {{"kernel", std::vector<int64_t>{2, 2}}, {"height", int64_t{2}}, {"width", int64_t{2}}},
      {0, 0, 7, 0});
}

}  // namespace
}  // namespace verge::support
