#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Lion, MovesByTheSign) {
  const auto outputs = evaluate(
      "lion", {given({2}, {1, 1}), given({2}, {4, -1}), given({2}, {0, 1}), given({}, {0.1})},
      {{"beta1", 0.5}, {"beta2", 0.75}, {"weight_decay", 1.0}});
  expect_near(outputs[0], {0.9 - 0.1, 0.9});
  expect_near(outputs[1], {1, 0.5});
}

}  // namespace
}  // namespace verge::support
