#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Scale, ShapeRule) {
  EXPECT_EQ(inferred("scale", {{DType::BF16, {2, 3}}}), "f32 [2, 3]");
}

TEST(Scale, Values) {
  expect_values("scale", {given({2}, {1, 2})}, {{"factor", 3.0}, {"offset", 1.0}}, {4, 7});
}

TEST(Scale, Gradient) {
  expect_gradient("scale", {trained({2, 3})}, {{"factor", -2.5}, {"offset", 1.0}});
}

}  // namespace
}  // namespace verge::support
