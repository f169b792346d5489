#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ExpertLinearGradInput, MultipliesByTheExpertsColumns) {
  expect_values(
      "expert_linear_grad_input",
      {given({1, 2, 1}, {1, 10}), given({2, 1, 2}, {1, 2, 3, 4}), integers({1, 2}, {1, 0})}, {},
      {3, 4, 10, 20});
  expect_refused("expert_linear_grad_input",
                 {{DType::F32, {1, 2, 3}}, {DType::F32, {2, 1, 2}}, {DType::I32, {1, 2}}}, {},
                 "dy has extent 3");
}

}  // namespace
}  // namespace verge::support
