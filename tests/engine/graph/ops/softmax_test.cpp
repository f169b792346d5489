#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(Softmax, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3}};
  EXPECT_EQ(inferred("softmax", {x}, {{"axis", int64_t{-1}}}), "f32 [2, 3]");
  expect_refused("softmax", {x}, {{"axis", int64_t{0}}}, "transpose first");
}

TEST(Softmax, SumsToOneAndSurvivesLargeValues) {
  expect_values("softmax", {given({2, 2}, {0, std::log(3.0), 1000, 1000})}, {},
                {0.25, 0.75, 0.5, 0.5});
}

TEST(Softmax, Gradient) {
  expect_gradient("softmax", {trained({2, 2, 4})});
}

}  // namespace
}  // namespace verge::support
