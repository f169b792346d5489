#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(GlobalAvgPoolBlocked, IsTheMeanOfEachChannel) {
  const Operand image = fixed({2, 18, 3, 5});
  const auto blocks = evaluate("block_channels", {image})[0];
  expect_values("global_avg_pool_blocked", {given({2, 2, 3, 5, 16}, blocks)},
                {{"channels", int64_t{18}}}, evaluate("global_avg_pool", {image})[0]);
}

TEST(GlobalAvgPoolBlocked, Shapes) {
  const graph::Type x{DType::F32, {graph::Dim(1, 0), 2, 3, 5, 16}};
  EXPECT_EQ(inferred("global_avg_pool_blocked", {x}, {{"channels", int64_t{18}}}), "f32 [n, 18]");
  expect_refused("global_avg_pool_blocked", {x}, {{"channels", int64_t{40}}}, "do not fill");
}

}  // namespace
}  // namespace verge::support
