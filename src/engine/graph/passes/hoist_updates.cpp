#include <algorithm>
#include <numeric>

#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {

Graph hoist_updates(Graph graph) {
  const auto predecessors = predecessors_of(graph);
  // Sort key: a node's own number, or for an update the largest key of what must run before it.
  std::vector<std::pair<NodeId, bool>> key(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const bool is_update = graph.nodes[n].phase == Phase::Update;
    NodeId after = is_update ? -1 : static_cast<NodeId>(n);
    for (NodeId before : predecessors[n]) {
      after = std::max(after, key[static_cast<size_t>(before)].first);
    }
    key[n] = {after, is_update};
  }
  std::vector<size_t> order(graph.nodes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t n) { return key[n]; });
  reorder_nodes(graph, order);
  return graph;
}

}  // namespace verge::graph
