#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Minimum, Values) {
  expect_values("minimum", {given({3}, {1, 2, 3}), given({}, {2})}, {}, {1, 2, 2});
}

TEST(Minimum, Gradient) {
  expect_gradient("minimum", {trained({2, 3}), trained({3})});
}

}  // namespace
}  // namespace verge::support
