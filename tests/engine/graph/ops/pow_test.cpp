#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Pow, Values) {
  expect_values("pow", {given({3}, {2, 9, -2}), given({3}, {3, 0.5, 2})}, {}, {8, 3, 4});
  expect_values("pow", {given({2, 1}, {2, 3}), given({2}, {1, 2})}, {}, {2, 4, 3, 9});
}

TEST(Pow, Gradient) {
  expect_gradient("pow", {trained({2, 3}, 0.5, 2), trained({3}, -1, 2)});
}

}  // namespace
}  // namespace verge::support
