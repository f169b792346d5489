#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(MseLoss, Values) {
  expect_values("mse_loss", {given({2}, {1, 5}), given({2}, {2, 2})}, {}, {5});
}

TEST(MseLoss, Gradient) {
  expect_gradient("mse_loss", {trained({2, 3}), trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
