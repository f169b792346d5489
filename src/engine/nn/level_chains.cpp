#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/nn/level_chains.hpp>

namespace verge::nn {

using graph::kNone;
using graph::Node;
using graph::ValueId;

bool is_op(const Node& node, std::string_view name) {
  return node.op->name == name;
}

LevelChains::LevelChains(const graph::Graph& graph)
    : graph_(graph), readers_(graph::readers_of(graph)) {}

LevelChain LevelChains::from(const Node& node) const {
  LevelChain chain{.result = node.outputs[0]};
  const Node* next = follower(chain.result);
  if (next != nullptr && is_op(node, "conv2d") && is_op(*next, "batch_norm")) {
    chain.norm = next;
    chain.result = next->outputs[0];
    next = follower(chain.result);
  }
  const bool is_range = next != nullptr && (is_op(*next, "relu") || is_op(*next, "clip"));
  if (is_range) {
    chain.activation = next;
    chain.result = next->outputs[0];
  }
  return chain;
}

const Node* LevelChains::follower(ValueId id) const {
  const auto& readers = readers_[static_cast<size_t>(id)];
  if (readers.size() != 1 || graph_.value(id).is_output) return nullptr;
  return &graph_.nodes[static_cast<size_t>(readers[0])];
}

std::vector<bool> needed_for(const graph::Graph& graph, ValueId result) {
  std::vector<bool> is_needed(graph.values.size());
  is_needed[static_cast<size_t>(result)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool makes_some = std::ranges::any_of(node.outputs, [&](ValueId id) {
      return id != kNone && is_needed[static_cast<size_t>(id)];
    });
    if (!makes_some) continue;
    for (const auto& values : {node.inputs, node.outputs}) {
      for (const ValueId id : values) {
        if (id != kNone) is_needed[static_cast<size_t>(id)] = true;
      }
    }
  }
  return is_needed;
}

}  // namespace verge::nn
