#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(UnblockChannels, UndoesBlockChannels) {
  const std::vector<double> image = fixed({2, 19, 3, 2}).values;
  const auto blocks = evaluate("block_channels", {given({2, 19, 3, 2}, image)})[0];
  expect_values("unblock_channels", {given({2, 2, 3, 2, 16}, blocks)}, {{"channels", int64_t{19}}},
                image);
}

TEST(UnblockChannels, Shapes) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 4, 5, 16}};
  EXPECT_EQ(inferred("unblock_channels", {x}, {{"channels", int64_t{17}}}), "f32 [n, 17, 4, 5]");
  for (const int64_t channels : {0, 16, 33}) {
    expect_refused("unblock_channels", {x}, {{"channels", channels}}, "do not fill 2 blocks");
  }
  expect_refused("unblock_channels", {{DType::F32, {1, 2, 4, 5, 8}}}, {{"channels", int64_t{17}}},
                 "16");
}

}  // namespace
}  // namespace verge::support
