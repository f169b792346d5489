#include "op_check.hpp"

namespace verge::support {
namespace {

using List = std::vector<int64_t>;

TEST(MaxPool2d, ShapeRule) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 3, 7, 7}};
  EXPECT_EQ(inferred("max_pool2d", {x},
                     {{"kernel", List{3, 3}}, {"strides", List{2, 2}}, {"pads", List{1, 1, 1, 1}}}),
            "f32 [n, 3, 4, 4], u8 [n, 3, 4, 4]");
  expect_refused("max_pool2d", {x}, {{"kernel", List{17, 17}}}, "more than 256");
  expect_refused("max_pool2d", {x}, {{"kernel", List{2, 2}}, {"pads", List{2, 0, 0, 0}}},
                 "pads must be smaller");
}

TEST(MaxPool2d, KeepsThePlaceOfTheLargest) {
  const auto outputs = evaluate("max_pool2d", {given({1, 1, 2, 4}, {1, 2, -9, -3, 4, 3, -1, -2})},
                                {{"kernel", List{2, 2}}, {"strides", List{2, 2}}});
  expect_near(outputs[0], {4, -1});
  expect_near(outputs[1], {2, 2});
}

TEST(MaxPool2d, Gradient) {
  expect_gradient("max_pool2d", {trained({2, 2, 4, 5})},
                  {{"kernel", List{3, 2}}, {"strides", List{2, 1}}, {"pads", List{1, 0, 0, 1}}});
}

}  // namespace
}  // namespace verge::support
