#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Conv2dGradInput, SpreadsOverTheWindow) {
  const Operand dy = given({1, 1, 1, 2}, {1, 10}), w = given({1, 1, 1, 2}, {2, 3});
  expect_values("conv2d_grad_input", {dy, w}, {{"height", int64_t{1}}, {"width", int64_t{3}}},
                {2, 23, 30});
  expect_refused("conv2d_grad_input", {dy.type, w.type},
                 {{"height", int64_t{1}}, {"width", int64_t{4}}},
                 "dy is [1, 1, 1, 2] instead of [1, 1, 1, 3]");
}

}  // namespace
}  // namespace verge::support
