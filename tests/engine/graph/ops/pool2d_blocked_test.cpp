#include "op_check.hpp"

namespace verge::support {
namespace {

using Ints = std::vector<int64_t>;

TEST(Pool2dBlocked, PoolsEachLane) {
  const Operand image = fixed({2, 16, 5, 4});
  const auto blocks = evaluate("block_channels", {image})[0];
  for (const std::string mode : {"max", "average"}) {
    graph::Attrs attrs{{"kernel", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"pads", Ints{1, 0, 0, 1}}};
    const auto wanted = evaluate(mode == "max" ? "max_pool2d" : "avg_pool2d", {image}, attrs)[0];
    attrs.set("mode", mode);
    const auto found = evaluate("pool2d_blocked", {given({2, 1, 5, 4, 16}, blocks)}, attrs)[0];
    expect_near(evaluate("unblock_channels", {given({2, 1, 2, 4, 16}, found)},
                         {{"channels", int64_t{16}}})[0],
                wanted);
  }
}

TEST(Pool2dBlocked, Refusals) {
  const graph::Type x{DType::F32, {1, 2, 6, 6, 16}};
  const graph::Attrs least{{"kernel", Ints{2, 2}}, {"mode", std::string("least")}};
  expect_refused("pool2d_blocked", {x}, least, "mode \"least\"");
  const graph::Attrs padded{
      {"kernel", Ints{2, 2}}, {"pads", Ints{2, 0, 0, 0}}, {"mode", std::string("max")}};
  expect_refused("pool2d_blocked", {x}, padded, "smaller than the kernel");
}

}  // namespace
}  // namespace verge::support
