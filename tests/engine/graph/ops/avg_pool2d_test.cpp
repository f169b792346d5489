#include "op_check.hpp"

namespace verge::support {
namespace {

using List = std::vector<int64_t>;

TEST(AvgPool2d, CountsPaddingIfAsked) {
  const Operand x = given({1, 1, 1, 2}, {2, 4});
  expect_values("avg_pool2d", {x}, {{"kernel", List{1, 2}}, {"pads", List{0, 1, 0, 0}}}, {2, 3});
  expect_values(
      "avg_pool2d", {x},
      {{"kernel", List{1, 2}}, {"pads", List{0, 1, 0, 0}}, {"count_include_pad", int64_t{1}}},
      {1, 3});
}

TEST(AvgPool2d, Gradient) {
  for (const int64_t count_pad : {0, 1}) {
    expect_gradient("avg_pool2d", {trained({2, 2, 4, 5})},
                    {{"kernel", List{3, 2}},
                     {"strides", List{2, 1}},
                     {"pads", List{1, 0, 0, 1}},
                     {"count_include_pad", count_pad}});
  }
}

}  // namespace
}  // namespace verge::support
