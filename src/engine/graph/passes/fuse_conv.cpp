#include <verge/engine/graph/passes/fuse_conv.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kConvResidual = 3;

class ConvFuser {
 public:
  explicit ConvFuser(Graph& graph)
      : graph_(graph), producers_(producers_of(graph)), readers_(readers_of(graph)) {}

  void run() {
    std::vector<bool> removed(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!is_float_conv(graph_.nodes[n])) continue;
      const auto reader = [&] { return only_reader(graph_, readers_, n); };
      for (NodeId next = reader(); next >= 0 && absorb(n, next); next = reader()) {
        removed[static_cast<size_t>(next)] = true;
        const ValueId y = graph_.nodes[static_cast<size_t>(next)].outputs[0];
        graph_.nodes[n].outputs[0] = y;
        producers_[static_cast<size_t>(y)] = static_cast<NodeId>(n);
      }
    }
    remove_nodes(graph_, removed);
  }

 private:
  bool is_float_conv(const Node& node) const {
    if (node.op->name != "conv2d") return false;
    const DType weight = graph_.value(node.inputs[1]).type.dtype;
    return weight == DType::F32 || weight == DType::F64;
  }

  bool absorb(size_t n, NodeId next) {
    Node& conv = graph_.nodes[n];
    const Node& node = graph_.nodes[static_cast<size_t>(next)];
    const Value &y = graph_.value(conv.outputs[0]), &result = graph_.value(node.outputs[0]);
    if (result.alias_of != kNone || result.type != y.type) return false;
    if (conv.attrs.has("factor")) return false;
    if (node.op->name == "scale") return absorb_scale(conv, node);
    return node.op->name == "add" ? absorb_sum(n, conv, node) : absorb_activation(conv, node);
  }

  bool absorb_sum(size_t n, Node& conv, const Node& sum) const {
    const ValueId y = conv.outputs[0];
    const ValueId other = sum.inputs[sum.inputs[0] == y ? 1 : 0];
    if (has_residual(conv) || graph_.value(other).type != graph_.value(y).type) return false;
    if (producers_[static_cast<size_t>(other)] >= static_cast<NodeId>(n)) return false;
    conv.inputs.resize(kConvResidual + 1, kNone);
    conv.inputs[kConvResidual] = other;
    return true;
  }

  static bool absorb_scale(Node& conv, const Node& scale) {
    conv.attrs.set("factor", scale.attrs.real("factor", 1));
    conv.attrs.set("offset", scale.attrs.real("offset", 0));
    return true;
  }

  static bool absorb_activation(Node& conv, const Node& node) {
    if (conv.attrs.text("activation", "none") != "none") return false;
    const std::string activation = epilogue_activation(node);
    if (activation.empty()) return false;
    conv.attrs.set("activation", activation);
    if (has_residual(conv)) conv.attrs.set("activate_sum", int64_t{1});
    return true;
  }

  static bool has_residual(const Node& conv) {
    return conv.inputs.size() > kConvResidual && conv.inputs[kConvResidual] != kNone;
  }

  Graph& graph_;
  std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
};

}  // namespace

Graph fuse_conv(Graph graph) {
  ConvFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
