#include <algorithm>
#include <optional>

#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/planner.hpp>
#include <verge/engine/graph/recompute.hpp>

namespace verge::graph {
namespace {

constexpr size_t kMostCandidates = 12;  // tried in a round
constexpr size_t kLongestChain = 24;    // operators run twice for one value
// Of a small core; only their ratio decides.
constexpr double kFlopsPerSecond = 5e10, kBytesPerSecond = 1e10;

bool is_backward(const Node& node) {
  return node.phase != Phase::Forward;
}

// Who makes and who reads the values of a graph.
struct Uses {
  std::vector<NodeId> producers;
  std::vector<std::vector<NodeId>> readers;

  explicit Uses(const Graph& graph) : producers(producers_of(graph)), readers(readers_of(graph)) {}

  bool is_saved(const Graph& graph, ValueId id) const {
    const NodeId producer = producers[static_cast<size_t>(id)];
    if (producer < 0 || is_backward(graph.nodes[static_cast<size_t>(producer)])) return false;
    return std::ranges::any_of(readers[static_cast<size_t>(id)], [&](NodeId n) {
      return is_backward(graph.nodes[static_cast<size_t>(n)]);
    });
  }
};

bool may_run_twice(const Node& node) {
  return std::ranges::none_of(node.op->aliases, [](const Alias& alias) { return alias.required; });
}

// The nodes to run again for `wanted`, in order, from values that are kept anyway or given.
std::optional<std::vector<NodeId>> chain_of(const Graph& graph, const Uses& uses, ValueId wanted) {
  std::vector<NodeId> chain;
  std::vector<ValueId> open = {wanted};
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    const NodeId producer = uses.producers[static_cast<size_t>(id)];
    if (producer < 0) continue;
    if (id != wanted && uses.is_saved(graph, id)) continue;
    if (std::ranges::find(chain, producer) != chain.end()) continue;
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    if (is_backward(node) || !may_run_twice(node) || chain.size() == kLongestChain) return {};
    chain.push_back(producer);
    for (const ValueId input : node.inputs) {
      if (input != kNone) open.push_back(input);
    }
  }
  std::ranges::sort(chain);
  return chain;
}

// The chain stands once more before the first backward reader of what it makes, for all of those.
Graph run_twice(const Graph& graph, const Uses& uses, const std::vector<NodeId>& chain) {
  Graph result = graph;
  std::vector<ValueId> again(graph.values.size(), kNone);
  NodeId before = static_cast<NodeId>(graph.nodes.size());
  std::vector<Node> copies;
  for (const NodeId n : chain) {
    Node copy = graph.nodes[static_cast<size_t>(n)];
    copy.phase = Phase::Backward;
    for (ValueId& input : copy.inputs) {
      if (input != kNone && again[static_cast<size_t>(input)] != kNone) {
        input = again[static_cast<size_t>(input)];
      }
    }
    for (ValueId& output : copy.outputs) {
      if (output == kNone) continue;
      Value value = graph.value(output);
      value.name += ".again";
      value.is_output = false;
      const auto id = static_cast<ValueId>(result.values.size());
      again[static_cast<size_t>(output)] = id;
      for (const NodeId reader : uses.readers[static_cast<size_t>(output)]) {
        if (is_backward(graph.nodes[static_cast<size_t>(reader)]))
          before = std::min(before, reader);
      }
      result.values.push_back(std::move(value));
      output = id;
    }
    copies.push_back(std::move(copy));
  }
  for (Node& node : result.nodes) {
    if (!is_backward(node)) continue;
    for (ValueId& input : node.inputs) {
      if (input != kNone && again[static_cast<size_t>(input)] != kNone) {
        input = again[static_cast<size_t>(input)];
      }
    }
  }
  result.nodes.insert(result.nodes.begin() + before, copies.begin(), copies.end());
  return result;
}

// Saved values in the memory that is alive at the peak, the largest first.
std::vector<ValueId> candidates_of(const Graph& graph, const Uses& uses) {
  const MemoryPlan plan = plan_memory(graph);
  std::vector<std::pair<int64_t, ValueId>> found;
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const int32_t buffer = plan.buffer_of_value[id];
    if (buffer < 0 || !uses.is_saved(graph, static_cast<ValueId>(id))) continue;
    const Buffer& memory = plan.buffers[static_cast<size_t>(buffer)];
    if (memory.first > plan.peak_node || memory.last < plan.peak_node) continue;
    found.emplace_back(-memory.bytes, static_cast<ValueId>(id));
  }
  std::ranges::sort(found);
  std::vector<ValueId> ids;
  for (const auto& [bytes, id] : found) ids.push_back(id);
  if (ids.size() > kMostCandidates) ids.resize(kMostCandidates);
  return ids;
}

Cost cost_of_chain(const Graph& graph, const std::vector<NodeId>& chain) {
  Cost sum;
  for (const NodeId n : chain) {
    const Cost cost = cost_of(graph, graph.nodes[static_cast<size_t>(n)]);
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
  }
  return sum;
}

}  // namespace

Recomputed recompute(Graph graph, int64_t target_bytes,
                     const std::function<int64_t(const Graph&)>& arena_bytes) {
  Recomputed best{std::move(graph)};
  best.arena_bytes = arena_bytes(best.graph);
  while (best.arena_bytes > target_bytes) {
    const Uses uses(best.graph);
    Recomputed next;
    double best_worth = 0;
    for (const ValueId id : candidates_of(best.graph, uses)) {
      const auto chain = chain_of(best.graph, uses, id);
      if (!chain) continue;
      Graph candidate = run_twice(best.graph, uses, *chain);
      if (!verify(candidate)) continue;
      const int64_t bytes = arena_bytes(candidate);
      const Cost cost = cost_of_chain(best.graph, *chain);
      const double seconds = cost.flops / kFlopsPerSecond + cost.bytes / kBytesPerSecond + 1e-9;
      const double worth = static_cast<double>(best.arena_bytes - bytes) / seconds;
      if (worth <= best_worth) continue;
      best_worth = worth;
      next = {std::move(candidate), bytes, best.values + static_cast<int64_t>(chain->size())};
    }
    if (best_worth == 0) break;
    best = std::move(next);
  }
  return best;
}

}  // namespace verge::graph
