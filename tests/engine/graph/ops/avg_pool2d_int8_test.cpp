#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using List = std::vector<int64_t>;

TEST(AvgPool2dInt8, MeansOfWindowsWithAndWithoutPadding) {
  const Operand x = given({1, 1, 1, 3}, {10, 20, 41}, DType::U8);
  Attrs attrs{{"kernel", List{1, 2}}, {"pads", List{0, 1, 0, 0}},
              {"x_zero", int64_t{2}}, {"multiplier", 1.0},
              {"to", "u8"},           {"y_zero", int64_t{1}}};
  expect_values("avg_pool2d_int8", {x}, attrs, {9, 14, 29});
  attrs.set("count_include_pad", int64_t{1});
  expect_values("avg_pool2d_int8", {x}, attrs, {5, 14, 29});
}

TEST(AvgPool2dInt8, WholeImagesInBothLayouts) {
  Attrs attrs{{"kernel", List{1, 2}}, {"multiplier", 2.0}};
  expect_values("avg_pool2d_int8", {given({1, 2, 1, 2}, {1, 3, -10, 4}, DType::I8)}, attrs,
                {4, -6});
  attrs.set("layout", std::string("nhwc"));
  expect_values("avg_pool2d_int8", {given({1, 1, 2, 2}, {1, -10, 3, 4}, DType::I8)}, attrs,
                {4, -6});
}

TEST(AvgPool2dInt8, ShapeRule) {
  const graph::Type x{DType::I8, {graph::Dim(1, 0), 3, 7, 7}};
  EXPECT_EQ(inferred("avg_pool2d_int8", {x}, {{"kernel", List{7, 7}}, {"multiplier", 1.0}}),
            "i8 [n, 3, 1, 1]");
  expect_refused("avg_pool2d_int8", {x}, {{"kernel", List{7, 7}}}, "no multiplier");
  expect_refused("avg_pool2d_int8", {x}, {{"kernel", List{7, 7}}, {"multiplier", HUGE_VAL}},
                 "multiplier is inf");
  expect_refused("avg_pool2d_int8", {x},
                 {{"kernel", List{7, 7}}, {"multiplier", 1.0}, {"count_include_pad", int64_t{2}}},
                 "count_include_pad is 2");
  expect_refused("avg_pool2d_int8", {x}, {{"kernel", List{8, 7}}, {"multiplier", 1.0}},
                 "does not fit");
}

}  // namespace
}  // namespace verge::support
