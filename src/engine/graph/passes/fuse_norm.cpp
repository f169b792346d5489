#include <algorithm>

#include <verge/engine/graph/fused_norm.hpp>
#include <verge/engine/graph/passes/fuse_norm.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

constexpr size_t kLinearResidual = 3;  // of linear

class NormFuser {
 public:
  explicit NormFuser(Graph& graph)
      : graph_(graph), readers_(readers_of(graph)), overwritten_(overwritten_values(graph)) {}

  void run() {
    std::vector<bool> removed(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node norm = graph_.nodes[n];
      if (norm.op->name != "rms_norm" || !is_plain(norm)) continue;
      const auto& readers = readers_[static_cast<size_t>(norm.outputs[0])];
      if (readers.size() != 1) continue;
      Node& product = graph_.nodes[static_cast<size_t>(readers.front())];
      if (!can_take(product, norm)) continue;
      product.inputs.resize(norm_input(product), kNone);
      product.inputs.push_back(norm.inputs[1]);
      product.inputs[0] = norm.inputs[0];
      product.attrs.set("norm_eps", norm.attrs.real("eps"));
      removed[n] = true;
    }
    remove_nodes(graph_, removed);
  }

 private:
  // With a weight, and nothing kept for a gradient.
  bool is_plain(const Node& norm) const {
    const bool has_weight = norm.inputs.size() > 1 && norm.inputs[1] != kNone;
    if (!has_weight || graph_.value(norm.outputs[0]).is_output) return false;
    if (overwritten_[static_cast<size_t>(norm.inputs[0])]) return false;
    const DType dtype = graph_.value(norm.inputs[0]).type.dtype;
    if (graph_.value(norm.inputs[1]).type.dtype != dtype) return false;
    const ValueId rstd = norm.outputs.size() > 1 ? norm.outputs[1] : kNone;
    return rstd == kNone ||
           (readers_[static_cast<size_t>(rstd)].empty() && !graph_.value(rstd).is_output);
  }

  // Float weights with an activation are not packed, and only packed products prepare their rows.
  bool can_take(const Node& product, const Node& norm) const {
    const std::string_view op = product.op->name;
    if (op != "linear" && op != "linear_multi" && op != "linear_glu") return false;
    if (product.phase != norm.phase || product.attrs.has("norm_eps")) return false;
    if (op == "linear" && product.attrs.text("activation", "none") != "none") return false;
    // A residual may lie where the result goes, and may be what others still normalise.
    if (op == "linear" && product.inputs.size() > kLinearResidual &&
        product.inputs[kLinearResidual] != kNone) {
      return false;
    }
    if (std::ranges::count(product.inputs, norm.outputs[0]) != 1) return false;
    if (product.inputs[0] != norm.outputs[0]) return false;
    return std::ranges::none_of(
               product.inputs,
               [&](ValueId id) { return id != kNone && graph_.value(id).is_trainable; }) &&
           graph_.value(product.inputs[1]).kind == ValueKind::Param;
  }

  Graph& graph_;
  const std::vector<std::vector<NodeId>> readers_;
  const std::vector<bool> overwritten_;
};

}  // namespace

Graph fuse_norm(Graph graph) {
  NormFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
