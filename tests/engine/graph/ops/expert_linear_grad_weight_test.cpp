#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ExpertLinearGradWeight, SumsTheOuterProductsOfAnExpert) {
  expect_values(
      "expert_linear_grad_weight",
      {given({2, 1, 1}, {1, 10}), given({2, 1, 2}, {1, 2, 3, 4}), integers({2, 1}, {1, 1})},
      {{"experts", int64_t{2}}}, {0, 0, 31, 42});
}

}  // namespace
}  // namespace verge::support
