#include <algorithm>
#include <numeric>

#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

// The last node that must run before this update: producers of what it reads, readers of what it
// overwrites.
NodeId ready_after(const Graph& graph, NodeId update, const std::vector<NodeId>& producers,
                   const std::vector<std::vector<NodeId>>& readers) {
  const Node& node = graph.nodes[static_cast<size_t>(update)];
  NodeId after = -1;
  for (ValueId id : node.inputs) {
    if (id != kNone) after = std::max(after, producers[static_cast<size_t>(id)]);
  }
  for (ValueId id : node.outputs) {
    if (id == kNone || graph.value(id).alias_of == kNone) continue;
    for (NodeId reader : readers[static_cast<size_t>(graph.value(id).alias_of)]) {
      if (reader != update) after = std::max(after, reader);
    }
  }
  return after;
}

}  // namespace

Graph hoist_updates(Graph graph) {
  const auto producers = producers_of(graph);
  const auto readers = readers_of(graph);
  // Sort key: a node's own number, or for an update the number of the node it may follow.
  std::vector<std::pair<NodeId, bool>> key(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto id = static_cast<NodeId>(n);
    const bool is_update = graph.nodes[n].phase == Phase::Update;
    if (!is_update) {
      key[n] = {id, false};
      continue;
    }
    const NodeId after = ready_after(graph, id, producers, readers);
    const bool follows_update =
        after >= 0 && graph.nodes[static_cast<size_t>(after)].phase == Phase::Update;
    key[n] = {follows_update ? key[static_cast<size_t>(after)].first : after, true};
  }
  std::vector<size_t> order(graph.nodes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t n) { return key[n]; });
  std::vector<Node> nodes;
  for (size_t n : order) nodes.push_back(std::move(graph.nodes[n]));
  graph.nodes = std::move(nodes);
  return graph;
}

}  // namespace verge::graph
