#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Sgd, WithoutMomentum) {
  const auto outputs =
      evaluate("sgd", {given({1}, {2}), given({1}, {3}), absent(), given({}, {0.1})},
               {{"weight_decay", 0.5}});
  ASSERT_EQ(outputs.size(), 1u);
  expect_near(outputs[0], {2 - 0.1 * 4});
}

TEST(Sgd, WithMomentum) {
  const std::vector<Operand> operands = {given({1}, {2}), given({1}, {3}), given({1}, {10}),
                                         given({}, {0.1})};
  const auto plain = evaluate("sgd", operands, {{"momentum", 0.5}});
  expect_near(plain[0], {2 - 0.8});
  expect_near(plain[1], {8});
  expect_values("sgd", operands, {{"momentum", 0.5}, {"nesterov", int64_t{1}}},
                {2 - 0.1 * (3 + 4)});
}

}  // namespace
}  // namespace verge::support
