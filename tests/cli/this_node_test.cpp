#include <gtest/gtest.h>

#include <verge/cli/this_node.hpp>
#include <verge/core/machine.hpp>

namespace verge::cli {
namespace {

TEST(ThisNode, SaysWhatTheMachineHas) {
  const SystemClock clock;
  const fleet::Capability can = this_node("edge-1", fleet::Role::Device, false, clock);
  EXPECT_EQ(can.node, "edge-1");
  EXPECT_EQ(can.role, fleet::Role::Device);
  EXPECT_EQ(can.cores, available_cores());
  EXPECT_GT(can.memory_bytes, 0);
  EXPECT_EQ(can.read_gb_s, 0);
  EXPECT_GT(this_node("edge-1", fleet::Role::Device, true, clock).read_gb_s, 0);
}

}  // namespace
}  // namespace verge::cli
