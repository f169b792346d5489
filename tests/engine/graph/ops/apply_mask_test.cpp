#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ApplyMask, ShapeRule) {
  expect_refused("apply_mask", {{DType::F32, {9}}, {DType::U8, {1}}}, {},
                 "mask is [1] instead of [2]");
}

TEST(ApplyMask, PassesWhereTheBitIsSet) {
  expect_values("apply_mask", {given({3}, {1, 2, 3}), given({1}, {5}, DType::U8)}, {}, {1, 0, 3});
}

TEST(ApplyMask, Gradient) {
  expect_gradient("apply_mask", {trained({4}), given({1}, {6}, DType::U8)});
}

}  // namespace
}  // namespace verge::support
