#include <gtest/gtest.h>

#include <verge/engine/graph/affine.hpp>

namespace verge::graph {
namespace {

TEST(Affine, ChannelsLieAlongTheAxis) {
  float scales[] = {1, 10};
  const TensorView in[] = {{nullptr, DType::I8, Shape{2, 2, 2}}, {scales, DType::F32, Shape{2}}};
  const Attrs attrs = {{"axis", int64_t{-2}}};
  const Affine affine({in, {}, attrs});
  std::vector<double> found;
  for (size_t i = 0; i < 8; ++i) found.push_back(affine.scale(i));
  EXPECT_EQ(found, (std::vector<double>{1, 1, 10, 10, 1, 1, 10, 10}));
  EXPECT_EQ(affine.zero_point(7), 0);
}

}  // namespace
}  // namespace verge::graph
