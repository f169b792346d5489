#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Geglu, IsGeluTimesUp) {
  const double gelu = evaluate("gelu", {given({1}, {0.7})})[0][0];
  expect_values("geglu", {given({1}, {0.7}), given({1}, {3})}, {}, {3 * gelu});
}

}  // namespace
}  // namespace verge::support
