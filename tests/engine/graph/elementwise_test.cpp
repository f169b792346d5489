#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph {
namespace {

TEST(Elementwise, BroadcastIndicesRepeatExtentsOfOne) {
  EXPECT_EQ(broadcast_indices({2, 1}, {2, 2}), (std::vector<size_t>{0, 0, 1, 1}));
  EXPECT_EQ(broadcast_indices({2}, {2, 2}), (std::vector<size_t>{0, 1, 0, 1}));
  EXPECT_EQ(broadcast_indices({}, {3}), (std::vector<size_t>{0, 0, 0}));
}

TEST(Elementwise, SumToUndoesABroadcast) {
  Builder b("sums");
  const SymbolId n = b.symbol("n", 8);
  const ValueId gradient = b.input("g", {DType::F32, {Dim(1, n), 3, 4}});
  EXPECT_EQ(sum_to(b, gradient, {Dim(1, n), 3, 4}), gradient);
  const Dims cases[] = {{4}, {3, 1}, {1, 3, 4}, {Dim(1, n), 1, 1}, {}};
  for (const Dims& dims : cases) EXPECT_EQ(b.type(sum_to(b, gradient, dims)).dims, dims);
}

}  // namespace
}  // namespace verge::graph
