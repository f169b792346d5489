#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(BlockChannels, PutsThemSideBySideAndFillsUpWithZeros) {
  std::vector<double> wanted(32);
  wanted[0] = 1;
  wanted[1] = 3;
  wanted[16] = 2;
  wanted[17] = 4;
  expect_values("block_channels", {given({1, 2, 1, 2}, {1, 2, 3, 4})}, {}, wanted);
}

TEST(BlockChannels, Shapes) {
  EXPECT_EQ(inferred("block_channels", {{DType::F32, {graph::Dim(1, 0), 35, 4, 5}}}),
            "f32 [n, 3, 4, 5, 16]");
  expect_refused("block_channels", {{DType::F32, {2, 3, 4}}}, {}, "x");
}

}  // namespace
}  // namespace verge::support
