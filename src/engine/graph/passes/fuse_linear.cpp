#include <verge/engine/graph/passes/fuse_linear.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kBias = 2, kResidual = 3;

bool has_input(const Node& node, size_t i) {
  return i < node.inputs.size() && node.inputs[i] != kNone;
}

bool has_activation(const Node& linear) {
  return linear.attrs.text("activation", "none") != "none";
}

class LinearFuser {
 public:
  explicit LinearFuser(Graph& graph)
      : graph_(graph), producers_(producers_of(graph)), readers_(readers_of(graph)) {}

  void run() {
    std::vector<bool> removed(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].op->name != "linear") continue;
      const auto reader = [&] { return only_reader(graph_, readers_, n); };
      for (NodeId next = reader(); next >= 0 && absorb(n, next); next = reader()) {
        removed[static_cast<size_t>(next)] = true;
        graph_.nodes[n].outputs[0] = graph_.nodes[static_cast<size_t>(next)].outputs[0];
      }
    }
    remove_nodes(graph_, removed);
  }

 private:
  bool absorb(size_t n, NodeId next) {
    Node& linear = graph_.nodes[n];
    const Node& node = graph_.nodes[static_cast<size_t>(next)];
    return node.op->name == "add" ? absorb_sum(n, linear, node) : absorb_activation(linear, node);
  }

  bool absorb_sum(size_t n, Node& linear, const Node& sum) const {
    const ValueId y = linear.outputs[0];
    const ValueId other = sum.inputs[sum.inputs[0] == y ? 1 : 0];
    const Type &type = graph_.value(y).type, &other_type = graph_.value(other).type;
    if (has_input(linear, kResidual) || has_activation(linear)) return false;
    if (graph_.value(sum.outputs[0]).type != type || other_type.dtype != type.dtype) return false;
    if (producers_[static_cast<size_t>(other)] >= static_cast<NodeId>(n)) return false;
    const bool is_bias = other_type.dims == Dims{type.dims.back()} && !has_input(linear, kBias);
    if (!is_bias && other_type.dims != type.dims) return false;
    const size_t place = is_bias && other_type.dims != type.dims ? kBias : kResidual;
    linear.inputs.resize(std::max(linear.inputs.size(), place + 1), kNone);
    linear.inputs[place] = other;
    return true;
  }

  // Only for float weights: the packed products of quantized ones have no such epilogue.
  bool absorb_activation(Node& linear, const Node& node) const {
    const DType weight = graph_.value(linear.inputs[1]).type.dtype;
    if (has_input(linear, kResidual) || has_activation(linear)) return false;
    if (weight != DType::F32 && weight != DType::F64) return false;
    const std::string name = epilogue_activation(node);
    if (!name.empty()) linear.attrs.set("activation", name);
    return !name.empty();
  }

  Graph& graph_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
};

}  // namespace

Graph fuse_linear(Graph graph) {
  LinearFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
