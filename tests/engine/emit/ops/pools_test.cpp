#include "../c_check.hpp"

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

TEST(CPools, AgreeWithTheReferences) {
  const graph::Attrs plain = {{"kernel", List{2, 2}}, {"strides", List{2, 2}}};
  const graph::Attrs padded = {
      {"kernel", List{3, 2}}, {"strides", List{2, 1}}, {"pads", List{1, 1, 1, 0}}};
  for (const graph::Attrs& window : {plain, padded}) {
    expect_c("max_pool2d", {{.dims = {2, 3, 6, 7}}}, window, {0, 1});
    expect_c("max_pool2d", {{.dims = {2, 3, 6, 7}}}, window);
    expect_c("avg_pool2d", {{.dims = {2, 3, 6, 7}}}, window);
    graph::Attrs counted = window;
    counted.set("count_include_pad", int64_t{1});
    expect_c("avg_pool2d", {{.dims = {2, 3, 6, 7}}}, counted);
  }
  expect_c("global_avg_pool", {{.dims = {2, 3, 4, 5}}});
  expect_c("upsample_nearest", {{.dims = {2, 3, 4, 5}}}, {{"factor", int64_t{3}}});
}

TEST(CPools, GradientsAgreeWithTheReferences) {
  const graph::Attrs window = {{"kernel", List{2, 2}},
                               {"strides", List{2, 2}},
                               {"height", int64_t{4}},
                               {"width", int64_t{4}}};
  expect_c("max_pool2d_grad", {{.dims = {1, 1, 2, 2}}, {{1, 1, 2, 2}, {0, 1, 2, 3}, DType::U8}},
           window);
  expect_c("avg_pool2d_grad", {{.dims = {1, 2, 2, 2}}}, window);
  expect_c("global_avg_pool_grad", {{.dims = {2, 3}}},
           {{"height", int64_t{4}}, {"width", int64_t{5}}});
}

}  // namespace
}  // namespace verge::emit
