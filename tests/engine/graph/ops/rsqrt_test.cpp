#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Rsqrt, Values) {
  expect_values("rsqrt", {given({2}, {4, 0.25})}, {}, {0.5, 2});
}

TEST(Rsqrt, Gradient) {
  expect_gradient("rsqrt", {trained({2, 3}, 0.5, 2)});
}

}  // namespace
}  // namespace verge::support
