#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Sqrt, Values) {
  expect_values("sqrt", {given({2}, {0, 9})}, {}, {0, 3});
}

TEST(Sqrt, Gradient) {
  expect_gradient("sqrt", {trained({2, 3}, 0.5, 2)});
}

}  // namespace
}  // namespace verge::support
