#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(MergeChannels, TakesTheValuesForTheirChannels) {
  expect_values("merge_channels",
                {given({2, 3}, {1, 2, 3, 4, 5, 6}, DType::I8),
                 given({2, 2}, {7, 8, 9, 10}, DType::I8), integers({2}, {0, 2})},
                {{"axis", int64_t{1}}}, {7, 2, 8, 9, 5, 10});
}

TEST(MergeChannels, Gradient) {
  expect_gradient("merge_channels", {fixed({2, 4, 3}), trained({2, 2, 3}), integers({2}, {3, 1})},
                  {{"axis", int64_t{1}}});
}

TEST(MergeChannels, ShapeRule) {
  const graph::Type p{DType::I8, {4, 6, 1, 1}}, part{DType::I8, {4, 2, 1, 1}},
      list{DType::I32, {2}};
  EXPECT_EQ(inferred("merge_channels", {p, part, list}, {{"axis", int64_t{1}}}), "i8 [4, 6, 1, 1]");
  expect_refused("merge_channels", {p, {DType::I8, {4, 3, 1, 1}}, list}, {{"axis", int64_t{1}}},
                 "values is");
  expect_refused("merge_channels", {p, {DType::F32, {4, 2, 1, 1}}, list}, {{"axis", int64_t{1}}},
                 "values");
}

}  // namespace
}  // namespace verge::support
