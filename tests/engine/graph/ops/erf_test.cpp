#include "op_check.hpp"

namespace verge::support {
namespace {

// erf(1) from Abramowitz & Stegun, table 7.1.
TEST(Erf, Values) {
  expect_values("erf", {given({2}, {0, 1})}, {}, {0, 0.8427007929}, 1e-10);
}

TEST(Erf, Gradient) {
  expect_gradient("erf", {trained({2, 3}, -2, 2)});
}

}  // namespace
}  // namespace verge::support
