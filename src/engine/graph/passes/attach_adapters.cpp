#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/attach_adapters.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

bool is_adaptable(const Graph& graph, const Node& node) {
  if (node.op->name != "linear" || node.attrs.text("activation", "none") != "none") return false;
  const Value& weight = graph.value(node.inputs[1]);
  const Dims& x = graph.value(node.inputs[0]).type.dims;
  return weight.kind == ValueKind::Param && x.size() == 2 && x[0].symbol >= 0 && x[0].factor == 1;
}

class AdapterInserter {
 public:
  AdapterInserter(Graph& graph, const AdapterLayout& layout) : graph_(graph), layout_(layout) {}

  void run() {
    std::vector<Node> nodes;
    Substitution substitution(graph_);
    for (Node& node : graph_.nodes) {
      substitution.apply(node);
      nodes.push_back(node);
      if (!is_adapted(node)) continue;
      Node lora = make_node(node);
      const ValueId y = node.outputs[0];
      substitution.replace(y, lora.outputs[0]);
      if (std::exchange(graph_.value(y).is_output, false)) {
        graph_.value(lora.outputs[0]).is_output = true;
        std::swap(graph_.value(y).name, graph_.value(lora.outputs[0]).name);
      }
      nodes.push_back(std::move(lora));
    }
    graph_.nodes = std::move(nodes);
  }

 private:
  bool is_adapted(const Node& node) const {
    return is_adaptable(graph_, node) &&
           std::ranges::find(layout_.weights, graph_.value(node.inputs[1]).name) !=
               layout_.weights.end();
  }

  Node make_node(const Node& linear) {
    const ValueId x = linear.inputs[0], y = linear.outputs[0];
    const std::string name = graph_.value(linear.inputs[1]).name;
    const Dims weight = graph_.value(linear.inputs[1]).type.dims;
    const Dims a = {layout_.adapters, layout_.rank, weight[1]};
    const Dims b = {layout_.adapters, layout_.rank, weight[0]};
    const Dims each = {layout_.adapters};
    Node node{find_op("lora"), {}, {}, {}, linear.phase, linear.source};
    node.inputs = {x,
                   y,
                   param(name + ".lora_a", {layout_.dtype, a}),
                   param(name + ".lora_b", {layout_.dtype, b}),
                   adapter_of(graph_.value(x).type.dims[0]),
                   param(name + ".lora_scales", {DType::F32, each}),
                   param(name + ".lora_ranks", {DType::I32, each})};
    const Type type = graph_.value(y).type;
    node.outputs = {add(fmt::format("%{}", graph_.values.size()), type, ValueKind::Activation)};
    return node;
  }

  ValueId param(std::string name, Type type) {
    const ValueId known = graph_.find(name);
    return known != kNone ? known : add(std::move(name), std::move(type), ValueKind::Param);
  }

  ValueId adapter_of(const Dim& rows) {
    const std::string name = "adapter_of_" + graph_.symbols[static_cast<size_t>(rows.symbol)].name;
    const ValueId known = graph_.find(name);
    return known != kNone ? known : add(name, {DType::I32, {rows}}, ValueKind::Input);
  }

  ValueId add(std::string name, Type type, ValueKind kind) {
    Value value;
    value.name = std::move(name);
    value.type = std::move(type);
    value.kind = kind;
    graph_.values.push_back(std::move(value));
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  Graph& graph_;
  const AdapterLayout& layout_;
};

}  // namespace

Graph attach_adapters(Graph graph, const AdapterLayout& layout) {
  AdapterInserter(graph, layout).run();
  return graph;
}

std::vector<ValueId> adaptable_weights(const Graph& graph) {
  std::vector<ValueId> weights;
  const auto readers = readers_of(graph);
  for (const Node& node : graph.nodes) {
    if (!is_adaptable(graph, node)) continue;
    const ValueId weight = node.inputs[1];
    const bool alone =
        std::ranges::all_of(readers[static_cast<size_t>(weight)], [&](NodeId reader) {
          return is_adaptable(graph, graph.nodes[static_cast<size_t>(reader)]);
        });
    if (alone && std::ranges::find(weights, weight) == weights.end()) weights.push_back(weight);
  }
  return weights;
}

}  // namespace verge::graph
