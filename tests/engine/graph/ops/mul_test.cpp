#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Mul, Values) {
  expect_values("mul", {given({2, 2}, {1, 2, 3, 4}), given({2}, {10, 20})}, {}, {10, 40, 30, 80});
}

TEST(Mul, ShapeRule) {
  expect_refused("mul", {{DType::F32, {2, 3}}, {DType::F32, {2, 2}}}, {}, "3 and 2");
}

TEST(Mul, Gradient) {
  expect_gradient("mul", {trained({2, 3, 4}), trained({3, 1})});
}

}  // namespace
}  // namespace verge::support
