#include <gtest/gtest.h>

#include <verge/engine/emit/c_geometry.hpp>

namespace verge::emit {
namespace {

using List = std::vector<int64_t>;

TEST(CGeometry, StridesAreRowMajorAndZeroWhereBroadcast) {
  EXPECT_EQ(row_major({2, 3, 4}), (List{12, 4, 1}));
  EXPECT_EQ(broadcast_strides({3, 1}, {2, 3, 4}), (List{0, 1, 0}));
}

TEST(CGeometry, AxesThatAllWalkTogetherAreOne) {
  EXPECT_EQ(c_walk({2, 3, 4}, {{12, 4, 1}, {12, 4, 1}}),
            "&(struct walk){1, 24, 0, {0}, {{0}, {0}, {0}}, {1, 1, 0}}");
  EXPECT_EQ(c_walk({2, 3, 4}, {{12, 4, 1}, {0, 0, 1}}),
            "&(struct walk){6, 4, 1, {6}, {{4}, {0}, {0}}, {1, 1, 0}}");
  EXPECT_EQ(c_walk({}, {{}}), "&(struct walk){1, 1, 0, {0}, {{0}, {0}, {0}}, {1, 0, 0}}");
}

TEST(CGeometry, WindowsAreWrittenInTheOrderOfTheStruct) {
  const graph::Attrs attrs = {
      {"strides", List{2, 3}}, {"pads", List{4, 5, 6, 7}}, {"groups", int64_t{8}}};
  EXPECT_EQ(c_window({attrs, 3, 1}), "&(struct window){3, 1, 2, 3, 4, 5, 1, 1, 8}");
}

}  // namespace
}  // namespace verge::emit
