#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(GlobalAvgPoolGrad, SharesTheGradient) {
  expect_values("global_avg_pool_grad", {given({1, 2}, {2, 4})},
                {{"height", int64_t{1}}, {"width", int64_t{2}}}, {1, 1, 2, 2});
}

}  // namespace
}  // namespace verge::support
