#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Geglu, IsGeluTimesUp) {
  const double gelu = evaluate("gelu", {given({1}, {0.7})})[0][0];
  expect_values("geglu", {given({1}, {0.7}), given({1}, {3})}, {}, {3 * gelu});
}

TEST(Geglu, Gradient) {
  expect_gradient("geglu", {trained({2, 3}, -3, 3), trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
