#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Exp, Values) {
  expect_values("exp", {given({2}, {0, 1})}, {}, {1, 2.718281828459045});
}

TEST(Exp, Gradient) {
  expect_gradient("exp", {trained({2, 3})});
}

}  // namespace
}  // namespace verge::support
