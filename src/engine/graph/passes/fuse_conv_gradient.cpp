#include <algorithm>

#include <verge/engine/graph/passes/fuse_conv_gradient.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kOther = 2, kPassed = 3;  // inputs of conv2d_grad_input

class ConvGradientFuser {
 public:
  explicit ConvGradientFuser(Graph& graph)
      : graph_(graph),
        producers_(producers_of(graph)),
        readers_(readers_of(graph)),
        overwritten_(overwritten_values(graph)),
        removed_(graph.nodes.size()) {}

  void run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (is_gradient(graph_.nodes[n])) absorb_sum(n);
    }
    for (Node& clip : graph_.nodes) {
      if (clip.op->name == "relu" || clip.op->name == "clip") absorb_mask(clip);
    }
    remove_nodes(graph_, removed_);
  }

 private:
  bool is_gradient(const Node& node) const {
    if (node.op->name != "conv2d_grad_input") return false;
    const DType weight = graph_.value(node.inputs[1]).type.dtype;
    return weight == DType::F32 || weight == DType::F64;
  }

  static bool has_input(const Node& node, size_t i) {
    return node.inputs.size() > i && node.inputs[i] != kNone;
  }

  static void set_input(Node& node, size_t i, ValueId id) {
    if (node.inputs.size() <= i) node.inputs.resize(i + 1, kNone);
    node.inputs[i] = id;
  }

  // The node's result is from now on that of `next`, which goes.
  void take_result(NodeId node, NodeId next) {
    const ValueId result = graph_.nodes[static_cast<size_t>(next)].outputs[0];
    graph_.nodes[static_cast<size_t>(node)].outputs[0] = result;
    producers_[static_cast<size_t>(result)] = node;
    removed_[static_cast<size_t>(next)] = true;
  }

  void absorb_sum(size_t n) {
    Node& gradient = graph_.nodes[n];
    const NodeId next = only_reader(graph_, readers_, n);
    if (next < 0 || has_input(gradient, kOther) || has_input(gradient, kPassed)) return;
    const Node& sum = graph_.nodes[static_cast<size_t>(next)];
    const ValueId dx = gradient.outputs[0];
    if (sum.op->name != "add" || sum.inputs[0] == sum.inputs[1]) return;
    const ValueId other = sum.inputs[sum.inputs[0] == dx ? 1 : 0];
    const Type& type = graph_.value(dx).type;
    if (graph_.value(other).type != type || graph_.value(sum.outputs[0]).type != type) return;
    if (graph_.value(sum.outputs[0]).alias_of != kNone) return;
    if (producers_[static_cast<size_t>(other)] >= static_cast<NodeId>(n)) return;
    if (overwritten_[static_cast<size_t>(other)]) return;
    set_input(gradient, kOther, other);
    take_result(static_cast<NodeId>(n), next);
  }

  // Whether a node of the backward pass reads the value.
  bool is_kept(ValueId id) const {
    return std::ranges::any_of(readers_[static_cast<size_t>(id)], [&](NodeId reader) {
      return graph_.nodes[static_cast<size_t>(reader)].phase != Phase::Forward;
    });
  }

  // Live batch norm takes the masks of its ReLU itself: fuse_batch_norm.
  bool follows_batch_norm(const Node& clip) const {
    const NodeId producer = producers_[static_cast<size_t>(clip.inputs[0])];
    return producer >= 0 &&
           graph_.nodes[static_cast<size_t>(producer)].op->name == "batch_norm_live";
  }

  void absorb_mask(Node& clip) {
    const ValueId y = clip.outputs[0], mask = clip.outputs.size() > 1 ? clip.outputs[1] : kNone;
    if (mask == kNone || graph_.value(mask).is_output || !is_kept(y)) return;
    if (overwritten_[static_cast<size_t>(y)] || follows_batch_norm(clip)) return;
    const auto& masked = readers_[static_cast<size_t>(mask)];
    if (masked.size() != 1) return;
    const Node& masking = graph_.nodes[static_cast<size_t>(masked[0])];
    if (masking.op->name != "apply_mask") return;
    const NodeId producer = producers_[static_cast<size_t>(masking.inputs[0])];
    if (producer < 0 || !is_gradient(graph_.nodes[static_cast<size_t>(producer)])) return;
    Node& gradient = graph_.nodes[static_cast<size_t>(producer)];
    const ValueId dx = gradient.outputs[0];
    if (graph_.value(dx).is_output || readers_[static_cast<size_t>(dx)].size() != 1) return;
    if (has_input(gradient, kPassed) || graph_.value(dx).type != graph_.value(y).type) return;
    set_input(gradient, kPassed, y);
    if (clip.op->name == "relu") gradient.attrs.set("min", 0.0);
    for (const char* bound : {"min", "max"}) {
      if (clip.attrs.has(bound)) gradient.attrs.set(bound, clip.attrs.real(bound));
    }
    clip.outputs[1] = kNone;
    take_result(producer, masked[0]);
  }

  Graph& graph_;
  std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
  const std::vector<bool> overwritten_;
  std::vector<bool> removed_;
};

}  // namespace

Graph fuse_conv_gradient(Graph graph) {
  ConvGradientFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
