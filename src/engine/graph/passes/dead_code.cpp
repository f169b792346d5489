#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

// Outputs of the graph, and new contents of parameters and states.
bool outlives_run(const Graph& graph, ValueId id) {
  if (graph.value(id).is_output) return true;
  const ValueKind kind = graph.value(graph.root(id)).kind;
  return kind == ValueKind::Param || kind == ValueKind::State;
}

}  // namespace

Graph dead_code(Graph graph) {
  std::vector<bool> needed(graph.values.size());
  std::vector<bool> removed(graph.nodes.size());
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    Node& node = graph.nodes[n];
    bool lives = false;
    for (ValueId& id : node.outputs) {
      if (id == kNone) continue;
      if (needed[static_cast<size_t>(id)] || outlives_run(graph, id)) {
        lives = true;
      } else {
        id = kNone;
      }
    }
    removed[n] = !lives;
    if (!lives) continue;
    for (ValueId id : node.inputs) {
      if (id != kNone) needed[static_cast<size_t>(id)] = true;
    }
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
