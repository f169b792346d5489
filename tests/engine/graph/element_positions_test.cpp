#include <gtest/gtest.h>

#include <verge/engine/graph/element_positions.hpp>

namespace verge::graph {
namespace {

using List = std::vector<int64_t>;

Tensor places_in(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(DType::F32, shape);
  std::ranges::copy(values, tensor.span<float>().begin());
  return tensor;
}

TEST(ElementPositions, StandInTheirOwnRowAndColumn) {
  const Tensor indices = places_in({2, 2}, {2, -3, 0, 1});
  EXPECT_EQ(element_positions({2, 3}, indices.view(), 1, Beyond::Nowhere), (List{2, 0, 3, 4}));
  EXPECT_EQ(element_positions({4, 3}, indices.view(), 0, Beyond::Nowhere), (List{6, 4, 0, 4}));
}

TEST(ElementPositions, BeyondIsTheNearestOrNone) {
  const Tensor indices = places_in({3}, {3, -4, NAN});
  EXPECT_EQ(element_positions({3}, indices.view(), 0, Beyond::Nearest), (List{2, 0, 0}));
  EXPECT_EQ(element_positions({3}, indices.view(), 0, Beyond::Nowhere), (List{-1, -1, -1}));
}

TEST(ElementPositions, OfSlices) {
  const Tensor indices = places_in({2, 2, 1}, {1, 0, -1, 7});
  EXPECT_EQ(slice_length({2, 3, 4}, indices.shape(), 1), 4);
  EXPECT_EQ(slice_positions({2, 3, 4}, indices.view(), 1, Beyond::Nearest), (List{4, 0, 20, 20}));
  EXPECT_EQ(slice_positions({2, 3, 4}, indices.view(), 1, Beyond::Nowhere), (List{4, 0, 20, -1}));
  EXPECT_EQ(slice_positions({9, 2}, indices.view(), 0, Beyond::Nowhere), (List{2, 0, 16, 14}));
}

TEST(ElementPositions, Reductions) {
  EXPECT_EQ(reduced("none", 2, 3), 3);
  EXPECT_EQ(reduced("add", 2, 3), 5);
  EXPECT_EQ(reduced("mul", 2, 3), 6);
  EXPECT_EQ(reduced("min", 2, 3), 2);
  EXPECT_EQ(reduced("max", 2, 3), 3);
}

}  // namespace
}  // namespace verge::graph
