#include <gtest/gtest.h>

#include <verge/engine/graph/reduction.hpp>

namespace verge::graph {
namespace {

TEST(Reduction, GroupsFollowTheKeptAxes) {
  const Attrs last = {{"axes", std::vector<int64_t>{-1}}};
  const Attrs first = {{"axes", std::vector<int64_t>{0}}};
  EXPECT_EQ(reduction_groups({2, 2}, last), (std::vector<size_t>{0, 0, 1, 1}));
  EXPECT_EQ(reduction_groups({2, 2}, first), (std::vector<size_t>{0, 1, 0, 1}));
}

TEST(Reduction, DimsKeepOrDropTheAxes) {
  const Attrs attrs = {{"axes", std::vector<int64_t>{0, 2}}};
  EXPECT_EQ(reduced_dims({2, Dim(1, 0), 4}, attrs, false), (Dims{Dim(1, 0)}));
  EXPECT_EQ(reduced_dims({2, Dim(1, 0), 4}, attrs, true), (Dims{1, Dim(1, 0), 1}));
}

}  // namespace
}  // namespace verge::graph
