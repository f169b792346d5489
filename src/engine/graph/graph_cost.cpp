#include <verge/engine/graph/graph_cost.hpp>

namespace verge::graph {

Cost cost_of(const Graph& graph, const Node& node) {
  static std::byte present;  // rules of cost ask whether a tensor is there, never what it holds
  const auto views = [&](const std::vector<ValueId>& ids) {
    std::vector<TensorView> list;
    for (ValueId id : ids) {
      list.push_back(id == kNone ? TensorView{}
                                 : TensorView{&present, graph.value(id).type.dtype,
                                              graph.bound_shape(graph.value(id).type)});
    }
    return list;
  };
  if (node.op->is_view) return {};
  const std::vector<TensorView> inputs = views(node.inputs), outputs = views(node.outputs);
  return cost_of(*node.op, {inputs, outputs, node.attrs});
}

Cost cost_of(const Graph& graph) {
  Cost sum;
  for (const Node& node : graph.nodes) {
    const Cost cost = cost_of(graph, node);
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
  }
  return sum;
}

}  // namespace verge::graph
