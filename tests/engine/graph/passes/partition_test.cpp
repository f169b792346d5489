#include <set>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/graph/passes/pass.hpp>

#include "delegating.hpp"
#include "pass_check.hpp"

namespace verge::graph {
namespace {

using support::OperatorBackend;
using support::random_dag;

int64_t count_in_bodies(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes) {
    if (node.op->name != "delegate") continue;
    count += static_cast<int64_t>(parse_body(node.attrs.text("body"))->nodes.size());
  }
  return count;
}

TEST(Partition, RandomGraphsComputeTheSame) {
  Rng rng(7);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const Graph graph = random_dag(rng, 4 + round);
    OperatorBackend backend;
    if (round % 2 == 1) backend.memory = int64_t{1} << 20;
    PartitionReport report;
    const Graph shared = partition(graph, backend, &report);
    support::expect_same_results(graph, shared);
    // Every node once: on one side or the other.
    const int64_t own = static_cast<int64_t>(shared.nodes.size()) -
                        support::count_of(shared, "delegate") - support::count_of(shared, "copy");
    EXPECT_EQ(own + count_in_bodies(shared), static_cast<int64_t>(graph.nodes.size()));
    EXPECT_EQ(report.delegated_nodes() + report.stayed.size(), graph.nodes.size());
    EXPECT_EQ(static_cast<int64_t>(report.delegated_nodes()), count_in_bodies(shared));
    EXPECT_EQ(support::count_of(shared, "copy"), report.copies());
  }
}

// x -> relu -> add -> mul: the add is not supported, so relu and mul cannot be one region, though
// the mul reads the relu directly.
TEST(Partition, APathThatLeavesMayNotComeBack) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId first = b.op("relu", {x});
  const ValueId outside = b.op("add", {first, x});
  b.output(b.op("mul", {first, outside}), "y");
  const Graph graph = *b.finish();
  const Graph shared = partition(graph, OperatorBackend());
  EXPECT_EQ(support::count_of(shared, "delegate"), 2);
  EXPECT_EQ(support::count_of(shared, "add"), 1);
  support::expect_same_results(graph, shared);
}

TEST(Partition, EachReasonIsNamed) {
  Builder b("net");
  const SymbolId tokens = b.symbol("tokens", 8);
  const ValueId x = b.input("x", {DType::F32, {Dim(1, tokens), 4}});
  const ValueId pages = b.state("pages", {DType::F32, {4}});
  b.source("layer");
  b.output(b.op("add", {b.op("relu", {x}), pages}), "y");
  PartitionReport report;
  partition(*b.finish(), OperatorBackend(), &report);
  ASSERT_EQ(report.stayed.size(), 2U);
  EXPECT_TRUE(report.regions.empty());
  EXPECT_EQ(report.stayed[0].node, "relu (layer)");
  EXPECT_EQ(report.stayed[0].reasons,
            std::vector<std::string>{"the extent tokens is known only at a run"});
  EXPECT_EQ(report.stayed[1].reasons,
            (std::vector<std::string>{"pages changes from run to run",
                                      "the extent tokens is known only at a run"}));
}

Graph chain(int nodes) {
  Builder b("chain");
  ValueId y = b.input("x", {DType::F32, {256}});
  for (int i = 0; i < nodes; ++i) y = b.op("maximum", {y, y});
  b.output(b.op("add", {y, y}), "y");
  return *b.finish();
}

TEST(Partition, WhatDoesNotPayStays) {
  OperatorBackend backend;
  backend.costs = {.host_flops_per_s = 1e9, .flops_per_s = 2e9, .launch_s = 1e-3};
  PartitionReport report;
  partition(chain(3), backend, &report);
  EXPECT_TRUE(report.regions.empty());
  ASSERT_EQ(report.stayed.size(), 4U);
  EXPECT_NE(report.stayed[0].reasons[0].find("does not pay"), std::string::npos);
  backend.costs.launch_s = 0;
  backend.costs.least_nodes = 4;
  partition(chain(3), backend, &report);
  EXPECT_NE(report.stayed[0].reasons[0].find("3 nodes; operators takes 4 or more"),
            std::string::npos);
  backend.costs.least_nodes = 3;
  partition(chain(3), backend, &report);
  EXPECT_EQ(report.regions.size(), 1U);
  backend.memory = 1 << 20;
  backend.costs.copy_bytes_per_s = 1;  // now the borders cost
  partition(chain(3), backend, &report);
  EXPECT_TRUE(report.regions.empty());
}

// A chain of ten nodes of 1 KiB values: k of them take k + 1 KiB.
TEST(Partition, ARegionIsCutToTheMemory) {
  OperatorBackend backend;
  backend.memory = 11 << 10;
  PartitionReport report;
  const Graph graph = chain(10);
  partition(graph, backend, &report);
  ASSERT_EQ(report.regions.size(), 1U);
  EXPECT_EQ(report.regions[0].nodes.size(), 10U);
  EXPECT_EQ(report.regions[0].memory_bytes, 11 << 10);
  backend.memory = 8 << 10;  // seven nodes; of what is left not even one fits
  const Graph cut = partition(graph, backend, &report);
  ASSERT_EQ(report.regions.size(), 1U);
  EXPECT_EQ(report.regions[0].nodes.size(), 7U);
  ASSERT_EQ(report.stayed.size(), 4U);
  EXPECT_EQ(report.stayed[0].reasons[0],
            "it needs 2048 bytes of operators's memory; 0 of 8192 are left");
  support::expect_same_results(graph, cut);
}

TEST(Partition, APieceOfARegionMustPayByItself) {
  OperatorBackend backend;
  backend.memory = 11 << 10;
  PartitionReport report;
  const Graph graph = chain(10);
  partition(graph, backend, &report);
  ASSERT_EQ(report.regions.size(), 1U);
  const double saved_s = report.regions[0].flops / 2;  // by ten nodes
  backend.costs.copy_bytes_per_s = 2048 / (0.85 * saved_s);
  partition(graph, backend, &report);
  EXPECT_EQ(report.delegated_nodes(), 10U);
  backend.memory = 8 << 10;  // seven nodes, which cost the same copies
  const Graph cut = partition(graph, backend, &report);
  EXPECT_EQ(report.delegated_nodes(), 0U);
  ASSERT_EQ(report.stayed.size(), 11U);
  EXPECT_NE(report.stayed[0].reasons[0].find("a region of 7 nodes that does not pay"),
            std::string::npos)
      << report.stayed[0].reasons[0];
  support::expect_same_results(graph, cut);
}

TEST(Partition, CopiesAreCountedAndSharedMemoryHasNone) {
  OperatorBackend backend;
  PartitionReport report;
  const Graph graph = chain(2);
  EXPECT_EQ(support::count_of(partition(graph, backend, &report), "copy"), 0);
  EXPECT_EQ(report.copied_bytes(), 0);
  backend.memory = 1 << 20;
  const Graph shared = partition(graph, backend, &report);
  EXPECT_EQ(support::count_of(shared, "copy"), 2);
  ASSERT_EQ(report.regions.size(), 1U);
  EXPECT_EQ(report.regions[0].bytes_to, 1024);
  EXPECT_EQ(report.regions[0].bytes_from, 1024);
  EXPECT_EQ(report.copies(), 2);
}

TEST(Partition, WeightsGoAlongAsParameters) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId scaled = b.op("mul", {x, b.param("w", {DType::F32, {4}})});
  b.output(b.op("mul", {scaled, b.constant("c", support::constants({4}, {1, 2, 3, 4}))}), "y");
  const Graph graph = *b.finish();
  OperatorBackend backend;
  backend.memory = 1 << 20;
  PartitionReport report;
  const Graph shared = partition(graph, backend, &report);
  EXPECT_EQ(report.regions[0].weight_bytes, 32);
  EXPECT_EQ(report.copies(), 2);  // x and y: weights are copied once, when a plan is bound
  support::expect_same_results(graph, shared);
}

}  // namespace
}  // namespace verge::graph
