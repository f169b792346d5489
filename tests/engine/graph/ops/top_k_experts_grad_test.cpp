#include "op_check.hpp"

namespace verge::support {
namespace {

// The weight of a sigmoid gate at 0 is 1/2 and its slope 1/4.
TEST(TopKExpertsGrad, ReachesTheChosenExpertOnly) {
  expect_values("top_k_experts_grad",
                {given({1, 2}, {0, -1}), integers({1, 1}, {0}), given({1, 1}, {8})},
                {{"k", int64_t{1}}, {"gate", "sigmoid"}}, {2, 0});
}

}  // namespace
}  // namespace verge::support
