#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(SumSquares, AddsAllOfThem) {
  expect_values("sum_squares", {given({2, 2}, {3, -4, 1, 0})}, {}, {26});
}

}  // namespace
}  // namespace verge::support
