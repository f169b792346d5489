#include <functional>
#include <queue>
#include <utility>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/sort_nodes.hpp>

namespace verge::graph {

void sort_nodes(Graph& graph, const std::vector<size_t>& place) {
  const auto before = predecessors_of(graph);
  std::vector<std::vector<size_t>> after(before.size());
  std::vector<size_t> waiting(before.size()), order;
  using Entry = std::pair<size_t, size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (size_t n = 0; n < before.size(); ++n) {
    waiting[n] = before[n].size();
    for (const NodeId other : before[n]) after[static_cast<size_t>(other)].push_back(n);
    if (waiting[n] == 0) ready.emplace(place[n], n);
  }
  while (!ready.empty()) {
    const size_t n = ready.top().second;
    ready.pop();
    order.push_back(n);
    for (const size_t next : after[n]) {
      if (--waiting[next] == 0) ready.emplace(place[next], next);
    }
  }
  VERGE_CHECK(order.size() == graph.nodes.size(), order.size(), graph.nodes.size());
  reorder_nodes(graph, order);
}

}  // namespace verge::graph
