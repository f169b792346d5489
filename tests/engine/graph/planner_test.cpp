#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/planner.hpp>

namespace verge::graph {
namespace {

// A random graph of linears and additions over values of different widths.
Graph random_graph(uint64_t seed) {
  Rng rng(seed);
  Builder b("random");
  std::vector<ValueId> values{b.input("x", {DType::F32, {Dim(4, b.symbol("tokens", 7)), 64}})};
  for (int i = 0; i < 40; ++i) {
    const ValueId x = values[rng.below(static_cast<uint32_t>(values.size()))];
    const int64_t in = b.type(x).dims[1].factor;
    const int64_t out = 16 + 16 * rng.below(16);
    const ValueId w = b.param(fmt::format("w{}", i), {DType::F32, {out, in}});
    values.push_back(b.op("linear", {x, w}));
    if (i % 5 == 0) values.push_back(b.op("add", {values.back(), values.back()}));
  }
  b.output(values.back(), "y");
  return *b.finish();
}

TEST(Planner, BuffersAliveTogetherNeverOverlap) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = random_graph(seed);
    const MemoryPlan plan = plan_memory(graph, std::vector<int64_t>(graph.nodes.size(), 100));
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
    const MemoryPlan plan = plan_memory(random_graph(seed));
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

}  // namespace
}  // namespace verge::graph
