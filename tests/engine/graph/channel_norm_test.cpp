#include <gtest/gtest.h>

#include <verge/engine/graph/channel_norm.hpp>

namespace verge::graph {
namespace {

std::vector<size_t> sets(const ChannelNorm& norm, size_t elements) {
  std::vector<size_t> found;
  for (size_t i = 0; i < elements; ++i) found.push_back(norm.set(i));
  return found;
}

// Two images of two channels of one pixel.
TEST(ChannelNorm, ElementsShareStatisticsByGroupOrByChannel) {
  const Shape x{2, 2, 1, 1};
  EXPECT_EQ(sets(group_norm_of(x, {{"groups", int64_t{1}}}), 4), (std::vector<size_t>{0, 0, 1, 1}));
  EXPECT_EQ(sets(group_norm_of(x, {{"groups", int64_t{2}}}), 4), (std::vector<size_t>{0, 1, 2, 3}));
  EXPECT_EQ(sets(batch_norm_of(x), 4), (std::vector<size_t>{0, 1, 0, 1}));
}

TEST(ChannelNorm, MeasuresMeanAndInverseDeviation) {
  const ChannelStatistics found = measure(batch_norm_of({2, 1, 1, 1}), {1, 5}, 0);
  EXPECT_EQ(found.mean, std::vector<double>{3});
  EXPECT_EQ(found.rstd, std::vector<double>{0.5});
}

}  // namespace
}  // namespace verge::graph
