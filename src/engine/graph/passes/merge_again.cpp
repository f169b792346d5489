#include <algorithm>

#include <verge/engine/graph/passes/merge_again.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

// Before the first node of gradients that reads it; those then read the copy.
void merge_for_gradients(Graph& graph, size_t merge) {
  const ValueId merged = graph.nodes[merge].outputs[0];
  const auto reads = [&](const Node& node) {
    return node.phase != Phase::Forward &&
           std::ranges::find(node.inputs, merged) != node.inputs.end();
  };
  const auto first = std::ranges::find_if(graph.nodes, reads);
  if (first == graph.nodes.end()) return;
  Value value = graph.value(merged);
  value.name += ".again";
  const auto again = static_cast<ValueId>(graph.values.size());
  graph.values.push_back(std::move(value));
  for (Node& node : graph.nodes) {
    if (reads(node)) std::ranges::replace(node.inputs, merged, again);
  }
  Node copy = graph.nodes[merge];
  copy.phase = Phase::Backward;
  copy.outputs = {again};
  graph.nodes.insert(first, std::move(copy));
}

}  // namespace

Graph merge_again(Graph graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.op->name != "merge_channels" || node.phase != Phase::Forward) continue;
    if (graph.value(node.outputs[0]).is_output) continue;
    merge_for_gradients(graph, n);
  }
  return graph;
}

}  // namespace verge::graph
