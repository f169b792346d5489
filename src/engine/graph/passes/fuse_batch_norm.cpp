#include <verge/engine/graph/passes/fuse_batch_norm.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kNormBias = 2, kNormMean = 3, kNormRstd = 4;  // of batch_norm_live: input; outputs
constexpr size_t kGradientDy = 4, kGradientBias = 5;           // inputs of batch_norm_live_grad

class BatchNormFuser {
 public:
  explicit BatchNormFuser(Graph& graph)
      : graph_(graph), readers_(readers_of(graph)), removed_(graph.nodes.size()) {}

  void run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& norm = graph_.nodes[n];
      if (norm.op->name != "batch_norm_live" || has_relu(norm)) continue;
      const NodeId relu = only_reader(graph_, readers_, n);
      if (relu < 0 || node(relu).op->name != "relu") continue;
      if (absorb_gradient(norm, node(relu))) absorb(norm, relu);
    }
    remove_nodes(graph_, removed_);
  }

 private:
  static bool has_relu(const Node& norm) { return norm.attrs.text("activation", "none") != "none"; }
  Node& node(NodeId id) { return graph_.nodes[static_cast<size_t>(id)]; }

  void absorb(Node& norm, NodeId relu) {
    norm.attrs.set("activation", std::string("relu"));
    norm.outputs[0] = node(relu).outputs[0];
    removed_[static_cast<size_t>(relu)] = true;
  }

  // False where the mask has any reader but the gradient of this norm.
  bool absorb_gradient(const Node& norm, const Node& relu) {
    const ValueId mask = relu.outputs.size() > 1 ? relu.outputs[1] : kNone;
    if (mask == kNone) return true;
    const NodeId masking = reader_of(mask);
    if (masking < 0 || node(masking).op->name != "apply_mask") return false;
    const NodeId next = only_reader(graph_, readers_, static_cast<size_t>(masking));
    if (next < 0 || !is_gradient(node(next), norm, node(masking).outputs[0])) return false;
    if (!is_unchanged(norm.inputs[kNormBias], next)) return false;
    Node& gradient = node(next);
    gradient.inputs[kGradientDy] = node(masking).inputs[0];
    gradient.inputs.resize(kGradientBias, kNone);
    gradient.inputs.push_back(norm.inputs[kNormBias]);
    gradient.attrs.set("activation", std::string("relu"));
    removed_[static_cast<size_t>(masking)] = true;
    return true;
  }

  NodeId reader_of(ValueId id) const {
    const auto& readers = readers_[static_cast<size_t>(id)];
    return readers.size() == 1 && !graph_.value(id).is_output ? readers[0] : -1;
  }

  static bool is_gradient(const Node& gradient, const Node& norm, ValueId dy) {
    return gradient.op->name == "batch_norm_live_grad" && gradient.inputs[kGradientDy] == dy &&
           gradient.inputs[0] == norm.inputs[0] && gradient.inputs[1] == norm.inputs[1] &&
           gradient.inputs[2] == norm.outputs[kNormMean] &&
           gradient.inputs[3] == norm.outputs[kNormRstd];
  }

  // Whether the value is still what it was when the node runs.
  bool is_unchanged(ValueId id, NodeId at) const {
    for (NodeId n = 0; n < at; ++n) {
      for (ValueId output : graph_.nodes[static_cast<size_t>(n)].outputs) {
        if (output != kNone && graph_.value(output).alias_of == id) return false;
      }
    }
    return true;
  }

  Graph& graph_;
  const std::vector<std::vector<NodeId>> readers_;
  std::vector<bool> removed_;
};

}  // namespace

Graph fuse_batch_norm(Graph graph) {
  BatchNormFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
