#include <algorithm>
#include <functional>
#include <unordered_map>

#include <verge/engine/graph/passes/common_subexpressions.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

size_t hash_of(const Node& node) {
  size_t hash = std::hash<const void*>{}(node.op);
  for (ValueId id : node.inputs) hash = hash * 1'000'003 + static_cast<size_t>(id + 1);
  return hash;
}

bool is_same_work(const Node& a, const Node& b) {
  return a.op == b.op && a.phase == b.phase && a.inputs == b.inputs && a.attrs == b.attrs;
}

// Whether everything `later` gives is there, under no other name, in `earlier`.
bool can_replace(const Graph& graph, const Node& earlier, const Node& later) {
  for (size_t i = 0; i < later.outputs.size(); ++i) {
    if (later.outputs[i] == kNone) continue;
    if (earlier.outputs[i] == kNone || graph.value(later.outputs[i]).is_output) return false;
  }
  return true;
}

bool overwrites(const Graph& graph, const Node& node) {
  return std::ranges::any_of(
      node.outputs, [&](ValueId id) { return id != kNone && graph.value(id).alias_of != kNone; });
}

}  // namespace

Graph common_subexpressions(Graph graph) {
  std::vector<bool> removed(graph.nodes.size());
  std::unordered_multimap<size_t, size_t> known;
  Substitution substitution(graph);
  const std::vector<bool> overwritten = overwritten_values(graph);
  const auto is_overwritten = [&](ValueId id) {
    return id != kNone && overwritten[static_cast<size_t>(id)];
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    substitution.apply(node);
    if (overwrites(graph, node) || std::ranges::any_of(node.outputs, is_overwritten)) continue;
    const size_t hash = hash_of(node);
    const auto [first, last] = known.equal_range(hash);
    const auto same = std::find_if(first, last, [&](const auto& entry) {
      const Node& earlier = graph.nodes[entry.second];
      return is_same_work(earlier, node) && can_replace(graph, earlier, node);
    });
    if (same == last) {
      known.emplace(hash, n);
      continue;
    }
    const Node& earlier = graph.nodes[same->second];
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNone) substitution.replace(node.outputs[i], earlier.outputs[i]);
    }
    removed[n] = true;
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
