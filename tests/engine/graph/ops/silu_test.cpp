#include "op_check.hpp"

namespace verge::support {
namespace {

// x / (1 + e^-x) for x = ln 3 is 3/4 ln 3.
TEST(Silu, Values) {
  const double x = std::log(3.0);
  expect_values("silu", {given({3}, {0, x, -x})}, {}, {0, 0.75 * x, -0.25 * x});
}

TEST(Silu, Gradient) {
  expect_gradient("silu", {trained({2, 3}, -4, 4)});
}

}  // namespace
}  // namespace verge::support
