#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Maximum, Values) {
  expect_values("maximum", {given({3}, {1, 2, 3}), given({}, {2})}, {}, {2, 2, 3});
}

TEST(Maximum, Gradient) {
  expect_gradient("maximum", {trained({2, 3}), trained({3})});
}

}  // namespace
}  // namespace verge::support
