#include <gtest/gtest.h>

#include <verge/engine/graph/bit_mask.hpp>

namespace verge::graph {
namespace {

// Every extent of the symbols must leave room for a bit an element.
TEST(BitMask, DimsHoldEveryElement) {
  EXPECT_EQ(mask_dims({3, 3}), (Dims{2}));
  EXPECT_EQ(mask_dims({}), (Dims{1}));
  EXPECT_EQ(mask_dims({Dim(3, 0), 5, Dim(1, 1)}), (Dims{Dim(2, 0), Dim(1, 1)}));
  for (int64_t n = 1; n < 20; ++n) EXPECT_GE(2 * n, (15 * n + 7) / 8);
}

}  // namespace
}  // namespace verge::graph
