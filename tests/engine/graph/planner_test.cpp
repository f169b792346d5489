#include <gtest/gtest.h>

#include <verge/engine/graph/memory_check.hpp>

#include "random_graph.hpp"

namespace verge::graph {
namespace {

TEST(Planner, BuffersAliveTogetherNeverOverlap) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Graph graph = support::random_graph(seed);
    const MemoryPlan plan = plan_memory(graph, std::vector<int64_t>(graph.nodes.size(), 100));
    const Status status = check_memory_plan(graph, plan);
    EXPECT_TRUE(status) << status.error().message << ", seed " << seed;
    for (size_t i = 0; i < plan.buffers.size(); ++i) {
      const Buffer& a = plan.buffers[i];
      EXPECT_EQ(a.offset % 64, 0);
      EXPECT_LE(a.offset + a.bytes, plan.arena_bytes);
      for (size_t j = 0; j < i; ++j) {
        const Buffer& b = plan.buffers[j];
        const bool in_time = a.first <= b.last && b.first <= a.last;
        const bool in_space = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        EXPECT_FALSE(in_time && in_space) << a.name << " and " << b.name << ", seed " << seed;
      }
    }
  }
}

TEST(Planner, ArenaIsCloseToTheLowerBound) {
  constexpr int kGraphs = 20;
  double total = 0;
  for (uint64_t seed = 0; seed < kGraphs; ++seed) {
    const MemoryPlan plan = plan_memory(support::random_graph(seed));
    EXPECT_GE(plan.arena_bytes, plan.lower_bound_bytes);
    total += static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound_bytes);
  }
  EXPECT_LE(total / kGraphs, 1.05);
}

TEST(Planner, InPlaceResultsShareTheirInputsMemory) {
  Builder b("chain");
  ValueId x = b.input("x", {DType::F32, {8, 64}});
  x = b.op("linear", {x, b.param("w", {DType::F32, {64, 64}})});
  for (int i = 0; i < 5; ++i) x = b.op("scale", {x}, {{"factor", 2.0}});
  b.output(x, "y");
  const MemoryPlan plan = plan_memory(*b.finish());
  EXPECT_EQ(plan.buffers.size(), 1u);
  EXPECT_EQ(plan.arena_bytes, 8 * 64 * 4);
}

// The arena has no place for what lies in a backend's memory; nor does the check ask for one.
TEST(Planner, WhatLiesElsewhereHasNoBuffer) {
  Builder b("copies");
  const ValueId x = b.op("exp", {b.input("x", {DType::F32, {16}})});
  const ValueId there = b.op("copy", {x}, {{"to", std::string("device")}});
  const ValueId back = b.op("copy", {there}, {{"from", std::string("device")}});
  b.output(back, "y");
  const Graph graph = *b.finish();
  const MemoryPlan plan = plan_memory(graph);
  EXPECT_EQ(plan.buffer_of_value[static_cast<size_t>(there)], -1);
  EXPECT_GE(plan.buffer_of_value[static_cast<size_t>(back)], 0);
  EXPECT_EQ(plan.buffers.size(), 2u);
  EXPECT_TRUE(check_memory_plan(graph, plan));
  MemoryPlan without = plan;
  without.buffer_of_value[static_cast<size_t>(back)] = -1;
  EXPECT_FALSE(check_memory_plan(graph, without));
}

}  // namespace
}  // namespace verge::graph
