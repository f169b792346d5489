#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>

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

NodeId only_reader(const Graph& graph, const std::vector<std::vector<NodeId>>& readers, size_t n) {
  const Node& node = graph.nodes[n];
  const ValueId y = node.outputs[0];
  if (y == kNone || graph.value(y).is_output) return -1;
  const auto& all = readers[static_cast<size_t>(y)];
  if (all.size() != 1) return -1;
  return graph.nodes[static_cast<size_t>(all[0])].phase == node.phase ? all[0] : -1;
}

std::string epilogue_activation(const Node& node) {
  const std::string_view op = node.op->name;
  const bool has_mask = node.outputs.size() > 1 && node.outputs[1] != kNone;
  if (op == "relu") return has_mask ? "" : "relu";
  if (op == "clip") {
    const bool is_relu6 = node.attrs.real("min", -HUGE_VAL) == 0 && node.attrs.real("max") == 6;
    return is_relu6 && !has_mask ? "relu6" : "";
  }
  if (op != "gelu") {
    constexpr std::string_view kAsTheyAre[] = {"silu", "sigmoid", "hswish", "hsigmoid"};
    return std::ranges::count(kAsTheyAre, op) > 0 ? std::string(op) : "";
  }
  return node.attrs.text("approximate", "tanh") == "none" ? "gelu_erf" : "gelu";
}

std::optional<double> number_of(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.data == nullptr || value.data->shape().count() != 1) return std::nullopt;
  return load(value.data->view())[0];
}

std::vector<bool> overwritten_values(const Graph& graph) {
  std::vector<bool> overwritten(graph.values.size());
  for (const Value& value : graph.values) {
    if (value.alias_of != kNone) overwritten[static_cast<size_t>(value.alias_of)] = true;
  }
  return overwritten;
}

std::vector<std::vector<NodeId>> predecessors_of(const Graph& graph) {
  const auto producers = producers_of(graph);
  auto readers = readers_of(graph);
  for (size_t n = graph.nodes.size(); n-- > 0;) {  // readers of a view read what it shows
    const Node& node = graph.nodes[n];
    if (!node.op->is_view || node.outputs[0] == kNone) continue;
    const auto& through = readers[static_cast<size_t>(node.outputs[0])];
    auto& all = readers[static_cast<size_t>(node.inputs[0])];
    all.insert(all.end(), through.begin(), through.end());
  }
  std::vector<std::vector<NodeId>> before(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto add = [&](NodeId other) {
      if (other >= 0 && other != static_cast<NodeId>(n)) before[n].push_back(other);
    };
    for (ValueId id : graph.nodes[n].inputs) {
      if (id != kNone) add(producers[static_cast<size_t>(id)]);
    }
    for (ValueId id : graph.nodes[n].outputs) {
      if (id == kNone || graph.value(id).alias_of == kNone) continue;
      for (NodeId reader : readers[static_cast<size_t>(graph.value(id).alias_of)]) add(reader);
    }
    std::ranges::sort(before[n]);
    before[n].erase(std::unique(before[n].begin(), before[n].end()), before[n].end());
  }
  // An update that waits for nothing, as the slice of a weight, would be alive for the whole step.
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].phase != Phase::Update || !before[n].empty()) continue;
    std::set<NodeId> others;
    for (ValueId id : graph.nodes[n].outputs) {
      if (id == kNone) continue;
      for (NodeId reader : readers[static_cast<size_t>(id)]) {
        for (NodeId other : before[static_cast<size_t>(reader)]) {
          if (other < static_cast<NodeId>(n)) others.insert(other);
        }
      }
    }
    before[n].assign(others.begin(), others.end());
  }
  return before;
}

void reorder_nodes(Graph& graph, const std::vector<size_t>& order) {
  std::vector<Node> nodes;
  nodes.reserve(order.size());
  for (size_t n : order) nodes.push_back(std::move(graph.nodes[n]));
  graph.nodes = std::move(nodes);
}

Substitution::Substitution(const Graph& graph) : by_(graph.values.size()) {
  std::iota(by_.begin(), by_.end(), ValueId{0});
}

void Substitution::apply(Node& node) const {
  for (ValueId& id : node.inputs) {
    if (id != kNone) id = by_[static_cast<size_t>(id)];
  }
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
