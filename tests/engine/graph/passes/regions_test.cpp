#include <gtest/gtest.h>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/regions.hpp>

#include "delegating.hpp"

namespace verge::graph {
namespace {

// Whether the graph of regions (each one vertex) and other nodes has no cycle.
bool is_acyclic(const Graph& graph, const std::vector<Region>& regions) {
  std::vector<size_t> vertex(graph.nodes.size());
  for (size_t n = 0; n < vertex.size(); ++n) vertex[n] = regions.size() + n;
  for (size_t r = 0; r < regions.size(); ++r) {
    for (const NodeId n : regions[r]) vertex[static_cast<size_t>(n)] = r;
  }
  const auto before = predecessors_of(graph);
  std::vector<int> depth(regions.size() + vertex.size());  // longest path to a vertex so far
  for (size_t round = 0; round <= depth.size(); ++round) {
    bool grows = false;
    for (size_t n = 0; n < vertex.size(); ++n) {
      for (const NodeId other : before[n]) {
        const size_t from = vertex[static_cast<size_t>(other)], to = vertex[n];
        if (from == to || depth[to] > depth[from]) continue;
        depth[to] = depth[from] + 1;
        grows = true;
      }
    }
    if (!grows) return true;
  }
  return false;  // a path that grows for ever
}

TEST(Regions, HoldEachWantedNodeOnceAndNoCycle) {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const Graph graph = support::random_dag(rng, 3 + round % 50);
    std::vector<bool> wanted(graph.nodes.size());
    for (size_t n = 0; n < wanted.size(); ++n) wanted[n] = rng.below(3) > 0;
    const std::vector<Region> regions = grow_regions(graph, wanted);
    std::vector<int> times(graph.nodes.size());
    for (const Region& region : regions) {
      EXPECT_TRUE(std::ranges::is_sorted(region));
      for (const NodeId n : region) ++times[static_cast<size_t>(n)];
    }
    for (size_t n = 0; n < times.size(); ++n) EXPECT_EQ(times[n], wanted[n] ? 1 : 0) << n;
    EXPECT_TRUE(is_acyclic(graph, regions));
  }
}

// Two branches, each convex by itself with a node of the other: joined they would wait for each
// other.
TEST(Regions, TwoRegionsDoNotWaitForEachOther) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId a = b.op("relu", {x}), c = b.op("relu", {x});        // 0, 1
  const ValueId s = b.op("sigmoid", {a}), t = b.op("sigmoid", {c});  // 2, 3: not wanted
  b.output(b.op("add", {a, t}), "y");                                // 4
  b.output(b.op("add", {c, s}), "z");                                // 5
  const Graph graph = *b.finish();
  const auto regions = grow_regions(graph, {true, true, false, false, true, true});
  EXPECT_TRUE(is_acyclic(graph, regions));
  EXPECT_EQ(regions, (std::vector<Region>{{0}, {1}, {4}, {5}}));
}

// relu(z) is ready at once, but only the add after the sigmoid reads it: one region, not two.
TEST(Regions, WhatIsReadLateRunsLate) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}}), z = b.input("z", {DType::F32, {4}});
  const ValueId early = b.op("relu", {z});
  const ValueId late = b.op("sigmoid", {x});
  b.output(b.op("add", {early, late}), "y");
  const auto regions = grow_regions(*b.finish(), {true, false, true});
  EXPECT_EQ(regions, (std::vector<Region>{{0, 2}}));
}

TEST(Regions, AreCutIntoTheLongestPiecesThatFit) {
  const Region region = {0, 1, 2, 3, 4, 5, 6};
  std::vector<Region> taken;
  const auto take = [&](const Region& piece) { taken.push_back(piece); };
  // Node 3 fits nowhere.
  const auto fits = [](const Region& piece) {
    return piece.size() <= 2 && std::ranges::count(piece, 3) == 0;
  };
  const CutRegion cut = cut_region(region, fits, take);
  EXPECT_EQ(cut.pieces, (std::vector<Region>{{0, 1}, {2}, {4, 5}, {6}}));
  EXPECT_EQ(cut.left, std::vector<NodeId>{3});
  EXPECT_EQ(taken, cut.pieces);
  EXPECT_EQ(cut_region(
                region, [](const Region&) { return true; }, take)
                .pieces,
            std::vector<Region>{region});
}

}  // namespace
}  // namespace verge::graph
