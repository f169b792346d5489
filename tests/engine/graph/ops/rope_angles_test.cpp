#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(RopeAngles, ShapeRule) {
  EXPECT_EQ(inferred("rope_angles", {{DType::I32, {graph::Dim(1, 0)}}, {DType::F32, {3}}}),
            "f32 [n, 6]");
  expect_refused("rope_angles", {{DType::F32, {2}}, {DType::F32, {3}}}, {}, "positions");
}

TEST(RopeAngles, CosinesThenSines) {
  expect_values("rope_angles", {integers({2}, {0, 3}), given({2}, {0.5, 0})}, {{"magnitude", 2.0}},
                {2, 2, 0, 0, 2 * std::cos(1.5), 2, 2 * std::sin(1.5), 0});
}

}  // namespace
}  // namespace verge::support
