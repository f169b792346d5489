#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Scale, ShapeRule) {
  EXPECT_EQ(inferred("scale", {{DType::BF16, {2, 3}}}), "f32 [2, 3]");
}

TEST(Scale, Values) {
  expect_values("scale", {given({2}, {1, 2})}, {{"factor", 3.0}, {"offset", 1.0}}, {4, 7});
}

}  // namespace
}  // namespace verge::support
