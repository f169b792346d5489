#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Sub, Values) {
  expect_values("sub", {given({2, 2}, {1, 2, 3, 4}), given({2}, {10, 20})}, {}, {-9, -18, -7, -16});
}

TEST(Sub, Gradient) {
  expect_gradient("sub", {trained({2, 3}), trained({1, 3})});
}

}  // namespace
}  // namespace verge::support
