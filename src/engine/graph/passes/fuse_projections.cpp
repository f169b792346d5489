#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_projections.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kMostFused = 4;

bool is_plain_linear(const Graph& graph, const Node& node) {
  if (node.op->name != "linear" || node.attrs.text("activation", "none") != "none") return false;
  const bool has_residual = node.inputs.size() > 3 && node.inputs[3] != kNone;
  const Value& weight = graph.value(node.inputs[1]);
  return !has_residual && weight.kind == ValueKind::Param && !weight.is_trainable;
}

// Whether one node may do both; a backward product stays where it is, or its result would live
// from the forward pass on.
bool may_join(const Node& a, const Node& b) {
  return a.phase == b.phase && a.attrs == b.attrs;
}

// Whether one form of the activations serves both weights: block types share theirs.
bool share_activations(const Graph& graph, const Node& a, const Node& b) {
  const DType first = graph.value(a.inputs[1]).type.dtype;
  const DType second = graph.value(b.inputs[1]).type.dtype;
  return first == second || (is_quantized(first) && is_quantized(second));
}

ValueId bias_of(const Node& linear) {
  return linear.inputs.size() > 2 ? linear.inputs[2] : kNone;
}

// swiglu(linear(x, gate), linear(x, up)) -> linear_glu(x, gate, up), and geglu likewise
void fuse_gates(Graph& graph) {
  const auto producers = producers_of(graph);
  const auto readers = readers_of(graph);
  const auto linear_of = [&](ValueId id) -> const Node* {
    const NodeId producer = producers[static_cast<size_t>(id)];
    const bool is_read_once = readers[static_cast<size_t>(id)].size() == 1;
    if (producer < 0 || !is_read_once || graph.value(id).is_output) return nullptr;
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    return is_plain_linear(graph, node) && bias_of(node) == kNone ? &node : nullptr;
  };
  for (Node& node : graph.nodes) {
    if (node.op->name != "swiglu" && node.op->name != "geglu") continue;
    const Node *gate = linear_of(node.inputs[0]), *up = linear_of(node.inputs[1]);
    if (gate == nullptr || up == nullptr || gate->inputs[0] != up->inputs[0]) continue;
    if (!may_join(*gate, *up) || gate->phase != node.phase) continue;
    if (graph.value(gate->inputs[1]).type != graph.value(up->inputs[1]).type) continue;
    node.inputs = {gate->inputs[0], gate->inputs[1], up->inputs[1]};
    node.attrs = gate->attrs;
    node.attrs.set("activation", std::string(node.op->name == "geglu" ? "gelu" : "silu"));
    node.op = find_op("linear_glu");
  }
}

// Later linears of the same input move to the first one's place: their inputs are there already.
void fuse_siblings(Graph& graph) {
  std::vector<bool> removed(graph.nodes.size());
  const auto readers = readers_of(graph);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (removed[n] || !is_plain_linear(graph, graph.nodes[n])) continue;
    Node fused = graph.nodes[n];
    fused.inputs = {fused.inputs[0], fused.inputs[1], bias_of(graph.nodes[n])};
    for (NodeId reader : readers[static_cast<size_t>(fused.inputs[0])]) {
      const auto m = static_cast<size_t>(reader);
      const Node& sibling = graph.nodes[m];
      if (m <= n || removed[m] || !is_plain_linear(graph, sibling)) continue;
      if (sibling.inputs[0] != fused.inputs[0] || fused.outputs.size() == kMostFused) continue;
      if (!may_join(graph.nodes[n], sibling)) continue;
      if (!share_activations(graph, graph.nodes[n], sibling)) continue;
      fused.inputs.insert(fused.inputs.end(), {sibling.inputs[1], bias_of(sibling)});
      fused.outputs.push_back(sibling.outputs[0]);
      removed[m] = true;
    }
    if (fused.outputs.size() == 1) continue;
    fused.op = find_op("linear_multi");
    graph.nodes[n] = std::move(fused);
  }
  remove_nodes(graph, removed);
}

}  // namespace

Graph fuse_projections(Graph graph) {
  fuse_gates(graph);
  graph = dead_code(std::move(graph));
  fuse_siblings(graph);
  return graph;
}

}  // namespace verge::graph
