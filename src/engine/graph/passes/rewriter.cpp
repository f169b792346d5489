#include <cmath>

#include <verge/engine/graph/passes/rewriter.hpp>

namespace verge::graph {

Rewriter::Rewriter(Graph& graph)
    : graph_(graph),
      producers_(graph.values.size(), -1),
      overwritten_(overwritten_values(graph)),
      substitution_(graph) {
  for (const auto& readers : readers_of(graph)) uses_.push_back(readers.size());
  for (size_t id = 0; id < uses_.size(); ++id) uses_[id] += graph.values[id].is_output ? 1 : 0;
  old_ = std::move(graph.nodes);
}

void Rewriter::append(Node node) {
  for (ValueId id : node.outputs) {
    if (id != kNone) producers_[static_cast<size_t>(id)] = static_cast<NodeId>(nodes_.size());
  }
  nodes_.push_back(std::move(node));
}

ValueId Rewriter::add_value(Value value, size_t uses) {
  graph_.values.push_back(std::move(value));
  producers_.push_back(-1);
  uses_.push_back(uses);
  overwritten_.push_back(false);
  substitution_.grow();
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId Rewriter::constant(std::string name, Tensor data) {
  Value value;
  value.name = std::move(name);
  value.kind = ValueKind::Const;
  value.type.dtype = data.dtype();
  for (int64_t extent : data.shape().extents()) value.type.dims.emplace_back(extent);
  value.data = std::make_shared<const Tensor>(std::move(data));
  return add_value(std::move(value), 0);
}

ValueId Rewriter::before(const Node& like, std::string_view op, std::vector<ValueId> inputs,
                         Attrs attrs) {
  Value value;
  value.name = fmt::format("{}.{}", graph_.value(like.outputs[0]).name, op);
  value.type = type(like.outputs[0]);
  const ValueId id = add_value(std::move(value), 1);
  append({find_op(op), std::move(inputs), {id}, std::move(attrs), like.phase, like.source});
  return id;
}

const Node* Rewriter::made_by(ValueId id, std::string_view op, const Node& like) const {
  const NodeId producer = producers_[static_cast<size_t>(id)];
  if (producer < 0) return nullptr;
  const Node& node = nodes_[static_cast<size_t>(producer)];
  return node.op->name == op && node.phase == like.phase ? &node : nullptr;
}

std::vector<ScaledValue> Rewriter::scaled(ValueId id, const Node& like) const {
  std::vector<ScaledValue> views = {{id}};
  while (const Node* scale = made_by(views.back().base, "scale", like)) {
    ScaledValue inner = views.back();
    inner.offset += inner.factor * scale->attrs.real("offset", 0);
    inner.factor *= scale->attrs.real("factor", 1);
    inner.base = scale->inputs[0];
    views.push_back(inner);
  }
  return views;
}

bool Rewriter::may_vanish(const Node& node) const {
  const Value& y = graph_.value(node.outputs[0]);
  return !y.is_output && y.alias_of == kNone && may_read(node.outputs[0]);
}

bool is_nearly(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::abs(b);
}

}  // namespace verge::graph
