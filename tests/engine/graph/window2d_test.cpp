#include <gtest/gtest.h>

#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

TEST(Window2d, OutputExtents) {
  using List = std::vector<int64_t>;
  const Window2d same({{"pads", List{1, 1, 1, 1}}}, 3, 3);
  EXPECT_EQ(same.output_extent(0, 7), 7);
  const Window2d half({{"strides", List{2, 2}}, {"pads", List{0, 1, 0, 1}}}, 3, 3);
  EXPECT_EQ(half.output_extent(0, 8), 3);
  EXPECT_EQ(half.output_extent(1, 8), 4);
  const Window2d wide({{"dilations", List{3, 3}}}, 3, 3);
  EXPECT_EQ(wide.output_extent(0, 7), 1);
  EXPECT_EQ(wide.output_extent(0, 6), 0);
}

// Each position of a 1x3 image under a 1x2 window with one column of padding on the left.
TEST(Window2d, VisitsWhatIsNotPadding) {
  const Window2d window(
      {{"kernel", std::vector<int64_t>{1, 2}}, {"pads", std::vector<int64_t>{0, 1, 0, 0}}});
  std::vector<std::array<size_t, 3>> visits;
  for_each_window_element({1, 1, 1, 3}, {1, 1, 1, 3}, window,
                          [&](size_t small, size_t large, size_t tap) {
                            visits.push_back({small, large, tap});
                          });
  const std::vector<std::array<size_t, 3>> wanted = {
      {0, 0, 1}, {1, 0, 0}, {1, 1, 1}, {2, 1, 0}, {2, 2, 1}};
  EXPECT_EQ(visits, wanted);
}

}  // namespace
}  // namespace verge::graph
