#include <algorithm>

#include <verge/engine/graph/passes/fold_constants.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

// Limits of one node: references run at roughly 1e8 operations a second.
constexpr int64_t kMostBytes = 1 << 16;
constexpr double kMostFlops = 1e5;

// Moments that begin at zero are written in place: a constant would keep the last step's.
bool can_fold(const Graph& graph, const Node& node, const std::vector<bool>& overwritten) {
  const auto is_fixed = [](const Type& type) {
    return std::ranges::all_of(type.dims, [](const Dim& dim) { return dim.is_constant(); });
  };
  if (node.op->name == "dequantize") return false;  // lower_int8 looks for weights as levels
  bool any = false;
  for (ValueId id : node.inputs) {
    if (id == kNone) continue;
    if (graph.value(id).kind != ValueKind::Const) return false;
    any = true;
  }
  return any && std::ranges::all_of(node.outputs, [&](ValueId id) {
           if (id == kNone) return true;
           const Value& value = graph.value(id);
           return !value.is_output && value.alias_of == kNone &&
                  !overwritten[static_cast<size_t>(id)] && is_fixed(value.type) &&
                  bound_bytes(graph, id) <= kMostBytes;
         });
}

// Runs the node; false where it would take too long.
bool fold(Graph& graph, const Node& node) {
  std::vector<TensorView> inputs, outputs;
  std::vector<std::shared_ptr<Tensor>> results;
  for (ValueId id : node.inputs) {
    inputs.push_back(id == kNone ? TensorView{} : graph.value(id).data->view());
  }
  for (ValueId id : node.outputs) {
    results.push_back(nullptr);
    if (id != kNone) {
      const Type& type = graph.value(id).type;
      results.back() = std::make_shared<Tensor>(type.dtype, graph.bound_shape(type));
    }
    outputs.push_back(id == kNone ? TensorView{} : results.back()->view());
  }
  const KernelCall call{inputs, outputs, node.attrs};
  if (cost_of(*node.op, call).flops > kMostFlops) return false;
  node.op->reference(call);
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i] == nullptr) continue;
    graph.value(node.outputs[i]).kind = ValueKind::Const;
    graph.value(node.outputs[i]).data = std::move(results[i]);
  }
  return true;
}

}  // namespace

Graph fold_constants(Graph graph) {
  const std::vector<bool> overwritten = overwritten_values(graph);
  std::vector<bool> removed(graph.nodes.size());
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    removed[n] = can_fold(graph, graph.nodes[n], overwritten) && fold(graph, graph.nodes[n]);
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
