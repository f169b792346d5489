#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Hswish, Values) {
  expect_values("hswish", {given({4}, {-4, 0, 1.5, 4})}, {}, {0, 0, 1.125, 4});
}

TEST(Hswish, Gradient) {
  expect_gradient("hswish", {trained({3, 4}, -5, 5)});
}

}  // namespace
}  // namespace verge::support
