#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(LogSoftmaxGrad, Values) {
  expect_values("log_softmax_grad",
                {given({2}, {std::log(0.25), std::log(0.75)}), given({2}, {1, 3})}, {}, {0, 0});
}

}  // namespace
}  // namespace verge::support
