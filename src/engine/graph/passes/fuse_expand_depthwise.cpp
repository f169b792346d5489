#include <algorithm>

#include <verge/engine/graph/passes/fuse_expand_depthwise.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

bool is_plain_levels(const Graph& graph, const Node& node) {
  return node.op->name == "conv2d_int8" && node.phase == Phase::Forward &&
         node.inputs.size() == 4 && node.inputs[2] != kNone &&
         node.attrs.text("layout", "nchw") == "nchw" &&
         graph.value(node.inputs[0]).type.dtype == DType::I8 &&
         graph.value(node.outputs[0]).type.dtype == DType::I8;
}

bool is_pixelwise(const Graph& graph, const Node& node) {
  const Dims& w = graph.value(node.inputs[1]).type.dims;
  const Window2d window(node.attrs, w[2].factor, w[3].factor);
  return w[2] == Dim(1) && w[3] == Dim(1) && window.groups == 1 && window.strides[0] == 1 &&
         window.strides[1] == 1 &&
         std::ranges::all_of(window.pads, [](int64_t p) { return p == 0; });
}

bool is_depthwise(const Graph& graph, const Node& node) {
  const Dims& w = graph.value(node.inputs[1]).type.dims;
  const Dims& x = graph.value(node.inputs[0]).type.dims;
  return w[1] == Dim(1) && w[0] == x[1] && node.attrs.integer("groups", 1) == x[1].factor;
}

Node joined(const Node& expand, const Node& depthwise) {
  Node node = depthwise;
  node.op = find_op("expand_depthwise_int8");
  node.inputs = expand.inputs;
  node.inputs.insert(node.inputs.end(), depthwise.inputs.begin() + 1, depthwise.inputs.end());
  node.attrs = {};
  for (const auto& [name, value] : depthwise.attrs.entries()) {
    if (name != "groups" && name != "x_zero") node.attrs.set(name, value);
  }
  node.attrs.set("x_zero", expand.attrs.integer("x_zero"));
  node.attrs.set("middle_zero", expand.attrs.integer("y_zero"));
  for (const char* end : {"low", "high"}) {
    if (expand.attrs.has(end))
      node.attrs.set(fmt::format("middle_{}", end), expand.attrs.integer(end));
  }
  return node;
}

}  // namespace

Graph fuse_expand_depthwise(Graph graph) {
  const auto trains = [](const Node& node) { return node.phase != Phase::Forward; };
  if (std::ranges::none_of(graph.nodes, trains)) return graph;
  const auto readers = readers_of(graph);
  const auto overwritten = overwritten_values(graph);
  std::vector<bool> removed(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& expand = graph.nodes[n];
    if (!is_plain_levels(graph, expand) || !is_pixelwise(graph, expand)) continue;
    const NodeId reader = only_reader(graph, readers, n);
    if (reader < 0) continue;
    Node& depthwise = graph.nodes[static_cast<size_t>(reader)];
    if (!is_plain_levels(graph, depthwise) || !is_depthwise(graph, depthwise)) continue;
    // It moves to the reader's place: what it reads must still be there.
    const bool is_kept = std::ranges::none_of(expand.inputs, [&](ValueId id) {
      return id != kNone && overwritten[static_cast<size_t>(id)];
    });
    if (!is_kept || depthwise.inputs[0] != expand.outputs[0]) continue;
    depthwise = joined(expand, depthwise);
    removed[n] = true;
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
