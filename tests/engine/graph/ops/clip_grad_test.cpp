#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ClipGrad, ShortensOnlyLongGradients) {
  expect_values("clip_grad", {given({2}, {3, 4})}, {{"max_norm", 1.0}}, {0.6, 0.8});
  expect_values("clip_grad", {given({2}, {3, 4})}, {{"max_norm", 6.0}}, {3, 4});
  expect_values("clip_grad", {given({2}, {0, 0})}, {{"max_norm", 1.0}}, {0, 0});
}

}  // namespace
}  // namespace verge::support
