#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/profile.hpp>

namespace verge::runtime {
namespace {

TEST(Profile, SumsTheNodesOfAnOperatorMostTimeFirst) {
  graph::Builder b("small");
  const auto x = b.input("x", {DType::F32, {64, 512}});
  auto y = b.op("rsqrt", {x});  // without a fast kernel of its own
  y = b.op("add", {b.op("scale", {y}, {{"factor", 2.0}}), x});
  b.output(b.op("add", {y, x}), "y");
  WeightStore weights;
  StateStore states;
  ThreadPool pool(1);
  auto plan = Plan::compile(*b.finish(), weights, states, pool);
  ASSERT_TRUE(plan) << plan.error().message;
  plan->start_profile();
  plan->run({});
  const auto times = by_operator(plan->profile());
  ASSERT_EQ(times.size(), 3u);
  int nodes = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    nodes += times[i].nodes;
    EXPECT_GT(times[i].seconds, 0);
    EXPECT_EQ(times[i].nodes, times[i].op == "add" ? 2 : 1);
    EXPECT_EQ(times[i].reference_nodes, times[i].op == "rsqrt" ? 1 : 0);
    EXPECT_LE(times[i].seconds, times[0].seconds);
  }
  EXPECT_EQ(nodes, 4);
}

}  // namespace
}  // namespace verge::runtime
