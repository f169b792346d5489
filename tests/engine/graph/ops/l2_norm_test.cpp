#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(L2Norm, IsTheLengthOfAll) {
  expect_values("l2_norm", {given({2, 2}, {3, -4, 12, 0})}, {}, {13});
}

}  // namespace
}  // namespace verge::support
