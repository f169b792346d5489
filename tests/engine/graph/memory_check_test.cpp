#include <gtest/gtest.h>

#include <verge/engine/graph/memory_check.hpp>

#include "random_graph.hpp"

namespace verge::graph {
namespace {

// Whatever two buffers that live at the same time are put on each other, it is noticed.
TEST(MemoryCheck, RefusesEveryCollision) {
  int collisions = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Graph graph = support::random_graph(seed, 25);
    const MemoryPlan plan = plan_memory(graph, std::vector<int64_t>(graph.nodes.size(), 64));
    ASSERT_TRUE(check_memory_plan(graph, plan));
    for (size_t i = 0; i < plan.buffers.size(); ++i) {
      for (size_t j = 0; j < plan.buffers.size(); ++j) {
        const Buffer &a = plan.buffers[i], &b = plan.buffers[j];
        if (i == j || a.first > b.last || b.first > a.last) continue;
        MemoryPlan moved = plan;
        moved.buffers[i].offset = b.offset;
        moved.arena_bytes += a.bytes;
        EXPECT_FALSE(check_memory_plan(graph, moved)) << a.name << " on " << b.name;
        ++collisions;
      }
    }
  }
  EXPECT_GT(collisions, 100);
}

TEST(MemoryCheck, RefusesPlacesThatAreNone) {
  const Graph graph = support::random_graph(1, 10);
  const MemoryPlan plan = plan_memory(graph);
  const auto refuses = [&](auto damage) {
    MemoryPlan broken = plan;
    damage(broken);
    return !check_memory_plan(graph, broken);
  };
  const int64_t arena = plan.arena_bytes;
  EXPECT_TRUE(refuses([&](MemoryPlan& p) { p.buffers[0].offset = arena; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffers[0].offset = -64; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffers[0].offset += 4; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffers[0].bytes = 1; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffers[0].bytes = INT64_MAX; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffer_of_value.back() = 1000; }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) { p.buffer_of_value.pop_back(); }));
  EXPECT_TRUE(refuses([](MemoryPlan& p) {
    for (int32_t& buffer : p.buffer_of_value) buffer = -1;
  }));
}

}  // namespace
}  // namespace verge::graph
