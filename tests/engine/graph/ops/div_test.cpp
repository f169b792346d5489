#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Div, Values) {
  expect_values("div", {given({2, 2}, {1, 2, 3, 4}), given({2, 1}, {2, 4})}, {}, {0.5, 1, 0.75, 1});
}

TEST(Div, Gradient) {
  expect_gradient("div", {trained({2, 3}), trained({1, 3}, 1, 2)});
}

}  // namespace
}  // namespace verge::support
