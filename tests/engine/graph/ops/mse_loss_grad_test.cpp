#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(MseLossGrad, Values) {
  expect_values("mse_loss_grad", {given({2}, {1, 5}), given({2}, {2, 2}), given({}, {10})}, {},
                {-10, 30});
}

}  // namespace
}  // namespace verge::support
