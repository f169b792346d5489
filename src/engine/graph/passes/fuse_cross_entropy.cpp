#include <cmath>
#include <optional>

#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

class CrossEntropyFuser {
 public:
  explicit CrossEntropyFuser(Graph& graph) : graph_(graph), producers_(producers_of(graph)) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.outputs.size() == 1 && node.outputs[0] != kNone) try_fuse(node);
    }
  }

 private:
  const Node* made_by(ValueId id, std::string_view op) const {
    const NodeId producer = id == kNone ? -1 : producers_[static_cast<size_t>(id)];
    if (producer < 0) return nullptr;
    const Node& node = graph_.nodes[static_cast<size_t>(producer)];
    return node.op->name == op ? &node : nullptr;
  }
  const Dims& dims(ValueId id) const { return graph_.value(id).type.dims; }

  // `node` ends the pattern: a scale of a sum or a mean over everything.
  void try_fuse(Node& node) {
    if (node.op->name != "scale" || node.attrs.real("offset", 0) != 0) return;
    const Node *sum = made_by(node.inputs[0], "reduce_sum"),
               *mean = made_by(node.inputs[0], "reduce_mean");
    const Node* reduction = sum != nullptr ? sum : mean;
    if (reduction == nullptr || !dims(reduction->outputs[0]).empty()) return;
    const Node* product = made_by(reduction->inputs[0], "mul");
    if (product == nullptr || dims(product->outputs[0]).size() != 2) return;
    const Shape shape = graph_.bound_shape(graph_.value(product->outputs[0]).type);
    if (!dims(product->outputs[0])[0].is_constant()) return;
    const double weight =
        node.attrs.real("factor", 1) / static_cast<double>(sum != nullptr ? 1 : shape.count());
    if (std::abs(weight * static_cast<double>(shape[0]) + 1) > 1e-9) return;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const ValueId logits = logits_of(product->inputs[side]);
      const ValueId targets = targets_of(product->inputs[1 - side], shape);
      if (logits == kNone || targets == kNone) continue;
      if (graph_.value(logits).type.dims != dims(product->outputs[0])) continue;
      return replace(node, logits, targets);
    }
  }

  ValueId logits_of(ValueId id) const {
    if (const Node* node = made_by(id, "log_softmax")) return node->inputs[0];
    const Node* logarithm = made_by(id, "log");
    const Node* softmax = logarithm == nullptr ? nullptr : made_by(logarithm->inputs[0], "softmax");
    return softmax == nullptr ? kNone : softmax->inputs[0];
  }

  // i32 [rows] of cast(compare(targets as [rows, 1], 0..classes - 1, eq)).
  ValueId targets_of(ValueId id, const Shape& shape) const {
    const Node* cast = made_by(id, "cast");
    const Node* compare = cast == nullptr ? nullptr : made_by(cast->inputs[0], "compare");
    if (compare == nullptr || compare->attrs.text("op") != "eq") return kNone;
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const Node* column = made_by(compare->inputs[side], "reshape");
      if (column == nullptr || !counts_up(compare->inputs[1 - side], shape[1])) continue;
      const Type& type = graph_.value(column->inputs[0]).type;
      const bool is_column = dims(column->outputs[0]) == Dims{shape[0], 1};
      if (is_column && type == Type{DType::I32, {shape[0]}}) return column->inputs[0];
    }
    return kNone;
  }

  bool counts_up(ValueId id, int64_t classes) const {
    const Value& value = graph_.value(id);
    if (value.data == nullptr || value.data->shape().count() != classes) return false;
    const std::vector<double> values = load(value.data->view());
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] != static_cast<double>(i)) return false;
    }
    return true;
  }

  void replace(Node& node, ValueId logits, ValueId targets) {
    Value gradient;
    gradient.name = fmt::format("%{}", graph_.values.size());
    gradient.type = {graph_.value(node.outputs[0]).type.dtype, dims(logits)};
    node.op = find_op("softmax_cross_entropy");
    node.inputs = {logits, targets};
    node.attrs = {};
    node.outputs.push_back(static_cast<ValueId>(graph_.values.size()));
    graph_.values.push_back(std::move(gradient));
  }

  Graph& graph_;
  const std::vector<NodeId> producers_;
};

}  // namespace

Graph fuse_cross_entropy(Graph graph) {
  CrossEntropyFuser(graph).run();
  return graph;
}

}  // namespace verge::graph
