#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {

std::vector<std::vector<NodeId>> readers_of(const Graph& graph) {
  std::vector<std::vector<NodeId>> readers(graph.values.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].inputs) {
      if (id != kNone) readers[static_cast<size_t>(id)].push_back(static_cast<NodeId>(n));
    }
  }
  return readers;
}

std::vector<NodeId> producers_of(const Graph& graph) {
  std::vector<NodeId> producers(graph.values.size(), -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].outputs) {
      if (id != kNone) producers[static_cast<size_t>(id)] = static_cast<NodeId>(n);
    }
  }
  return producers;
}

namespace {

std::vector<bool> mentioned_values(const Graph& graph) {
  std::vector<bool> kept(graph.values.size());
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const ValueKind kind = graph.values[id].kind;
    kept[id] = kind == ValueKind::Input || kind == ValueKind::State || graph.values[id].is_output;
  }
  for (const Node& node : graph.nodes) {
    for (const auto* ids : {&node.inputs, &node.outputs}) {
      for (ValueId id : *ids) {
        if (id == kNone) continue;
        kept[static_cast<size_t>(id)] = true;
        kept[static_cast<size_t>(graph.root(id))] = true;
      }
    }
  }
  return kept;
}

void drop_values(Graph& graph, const std::vector<bool>& kept) {
  std::vector<ValueId> renumbered(graph.values.size(), kNone);
  std::vector<Value> values;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (!kept[id]) continue;
    renumbered[id] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[id]));
  }
  const auto renumber = [&](ValueId& id) {
    if (id != kNone) id = renumbered[static_cast<size_t>(id)];
  };
  for (Value& value : values) renumber(value.alias_of);
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) renumber(id);
    for (ValueId& id : node.outputs) renumber(id);
  }
  graph.values = std::move(values);
}

}  // namespace

void remove_nodes(Graph& graph, const std::vector<bool>& removed) {
  std::vector<Node> nodes;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!removed[n]) nodes.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(nodes);
  drop_values(graph, mentioned_values(graph));
}

}  // namespace verge::graph
