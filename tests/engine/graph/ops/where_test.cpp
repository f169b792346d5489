#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Where, Values) {
  expect_values("where", {given({3}, {1, 0, 1}, DType::U8), given({3}, {1, 2, 3}), given({1}, {9})},
                {}, {1, 9, 3});
}

TEST(Where, ShapeRule) {
  const graph::Type x{DType::F32, {2}};
  expect_refused("where", {x, x, x}, {}, "c is f32 instead of u8");
}

TEST(Where, Gradient) {
  expect_gradient("where",
                  {given({2, 3}, {1, 0, 1, 0, 0, 1}, DType::U8), trained({2, 3}), trained({3})});
}

}  // namespace
}  // namespace verge::support
