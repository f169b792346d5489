#include <numeric>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/sort_nodes.hpp>

#include "delegating.hpp"
#include "pass_check.hpp"

namespace verge::graph {
namespace {

TEST(SortNodes, ThoseFirstThatStoodFirst) {
  Builder b("net");
  const ValueId x = b.input("x", {DType::F32, {4}});
  const ValueId first = b.op("relu", {x}), second = b.op("tanh", {x});
  b.output(b.op("add", {first, second}), "y");
  Graph graph = *b.finish();
  std::swap(graph.nodes[0], graph.nodes[2]);  // the sum before what it reads
  sort_nodes(graph, {0, 2, 1});
  EXPECT_EQ(graph.nodes[0].op->name, "relu");
  EXPECT_EQ(graph.nodes[1].op->name, "tanh");
  EXPECT_EQ(graph.nodes[2].op->name, "add");
}

TEST(SortNodes, AnyOrderBecomesOneThatRuns) {
  Rng rng(31);
  for (int round = 0; round < 20; ++round) {
    const Graph graph = support::random_dag(rng, 20);
    std::vector<size_t> order(graph.nodes.size()), place(graph.nodes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[rng.below(static_cast<uint32_t>(i))]);
    }
    for (size_t& at : place) at = rng.below(8);
    Graph sorted = graph;
    reorder_nodes(sorted, order);
    sort_nodes(sorted, place);
    const auto before = predecessors_of(sorted);
    for (size_t n = 0; n < before.size(); ++n) {
      for (const NodeId other : before[n]) EXPECT_LT(other, static_cast<NodeId>(n));
    }
    support::expect_same_results(graph, sorted);
  }
}

}  // namespace
}  // namespace verge::graph
