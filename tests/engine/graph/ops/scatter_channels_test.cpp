#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ScatterChannels, ShapeRule) {
  const graph::Type p{DType::F32, {4, 3, 2}}, values{DType::F32, {4, 2, 2}};
  const graph::Type channels{DType::I32, {2}};
  const graph::Attrs axis{{"axis", int64_t{1}}};
  EXPECT_EQ(inferred("scatter_channels", {p, values, channels}, axis), "f32 [4, 3, 2]");
  expect_refused("scatter_channels", {p, p, channels}, axis, "values");
  expect_refused("scatter_channels", {p, values, {DType::F32, {2}}}, axis, "channels");
  expect_refused("scatter_channels", {p, values, channels}, {{"axis", int64_t{3}}}, "axis 3");
}

TEST(ScatterChannels, PutsBackWhatGatherTook) {
  const Operand p = given({2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values("scatter_channels", {p, given({2, 2}, {9, 8, 7, 6}), integers({2}, {0, 2})},
                {{"axis", int64_t{1}}}, {9, 2, 8, 7, 5, 6});
  expect_values("scatter_channels", {p, given({1, 3}, {9, 8, 7}), integers({1}, {1})}, {},
                {1, 2, 3, 9, 8, 7});
}

}  // namespace
}  // namespace verge::support
