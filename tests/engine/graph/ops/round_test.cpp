#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Round, Values) {
  const Operand x = given({5}, {-1.5, -0.2, 0.5, 1.5, 2.7});
  expect_values("round", {x}, {{"mode", "even"}}, {-2, 0, 0, 2, 3});
  expect_values("round", {x}, {{"mode", "floor"}}, {-2, -1, 0, 1, 2});
  expect_values("round", {x}, {{"mode", "ceil"}}, {-1, 0, 1, 2, 3});
  expect_values("round", {x}, {{"mode", "trunc"}}, {-1, 0, 0, 1, 2});
  expect_refused("round", {{DType::F32, {1}}}, {{"mode", "up"}}, "mode is \"up\"");
}

}  // namespace
}  // namespace verge::support
