#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Cast, ShapeRule) {
  EXPECT_EQ(inferred("cast", {{DType::F32, {2}}}, {{"to", "bf16"}}), "bf16 [2]");
  expect_refused("cast", {{DType::F32, {2}}}, {{"to", "q4_0"}}, "\"q4_0\" is not a plain type");
}

TEST(Cast, RoundsToNearest) {
  expect_values("cast", {given({3}, {1.6, -1.6, 2})}, {{"to", "i32"}}, {2, -2, 2});
}

TEST(Cast, Gradient) {
  expect_gradient("cast", {trained({2, 2})}, {{"to", "f64"}});
}

}  // namespace
}  // namespace verge::support
