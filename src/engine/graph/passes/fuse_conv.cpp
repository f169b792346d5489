#include <verge/engine/graph/passes/fuse_conv.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

bool can_activate(const Graph& graph, const Node& conv) {
  if (conv.op->name != "conv2d" || conv.attrs.text("activation", "none") != "none") return false;
  const DType weight = graph.value(conv.inputs[1]).type.dtype;
  return weight == DType::F32 || weight == DType::F64;
}

}  // namespace

Graph fuse_conv(Graph graph) {
  const auto readers = readers_of(graph);
  std::vector<bool> removed(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& conv = graph.nodes[n];
    if (!can_activate(graph, conv)) continue;
    const NodeId next = only_reader(graph, readers, n);
    if (next < 0) continue;
    const Node& node = graph.nodes[static_cast<size_t>(next)];
    const std::string activation = epilogue_activation(node);
    if (activation.empty()) continue;
    conv.attrs.set("activation", activation);
    conv.outputs[0] = node.outputs[0];
    removed[static_cast<size_t>(next)] = true;
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
