#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {

Builder::Builder(std::string name) {
  graph_.name = std::move(name);
}

void Builder::fail(Error error) {
  if (failed_) return;
  failed_ = true;
  error_ = std::move(error);
}

SymbolId Builder::symbol(std::string name, int64_t bound) {
  graph_.symbols.push_back({std::move(name), bound});
  return static_cast<SymbolId>(graph_.symbols.size() - 1);
}

ValueId Builder::add_value(std::string name, Type type, ValueKind kind) {
  Value value;
  value.name = std::move(name);
  value.type = std::move(type);
  value.kind = kind;
  graph_.values.push_back(std::move(value));
  return static_cast<ValueId>(graph_.values.size() - 1);
}

ValueId Builder::input(std::string name, Type type) {
  return add_value(std::move(name), std::move(type), ValueKind::Input);
}

ValueId Builder::param(std::string name, Type type) {
  return add_value(std::move(name), std::move(type), ValueKind::Param);
}

ValueId Builder::state(std::string name, Type type) {
  return add_value(std::move(name), std::move(type), ValueKind::State);
}

ValueId Builder::constant(std::string name, Tensor data) {
  Type type{data.dtype(), {}};
  for (int64_t extent : data.shape().extents()) type.dims.emplace_back(extent);
  const ValueId id = add_value(std::move(name), std::move(type), ValueKind::Const);
  graph_.value(id).data = std::make_shared<const Tensor>(std::move(data));
  return id;
}

std::vector<ValueId> Builder::op_all(std::string_view name, std::vector<ValueId> inputs,
                                     Attrs attrs) {
  if (failed_) return {};
  const OpDef* def = find_op(name);
  VERGE_CHECK(def != nullptr, name);
  Node node{def, std::move(inputs), {}, std::move(attrs), phase_, source_};
  InferContext context{graph_, node, {}};
  if (Status status = def->infer(context); !status) {
    fail(status.error());
    return {};
  }
  for (size_t i = 0; i < context.outputs.size(); ++i) {
    node.outputs.push_back(add_value(fmt::format("%{}", graph_.values.size()),
                                     std::move(context.outputs[i]), ValueKind::Activation));
  }
  for (const Alias& alias : def->aliases) {
    const auto input = static_cast<size_t>(alias.input), output = static_cast<size_t>(alias.output);
    if (!alias.required || input >= node.inputs.size() || node.inputs[input] == kNone) continue;
    graph_.value(node.outputs[output]).alias_of = node.inputs[input];
  }
  graph_.nodes.push_back(node);
  return node.outputs;
}

ValueId Builder::op(std::string_view name, std::vector<ValueId> inputs, Attrs attrs) {
  const std::vector<ValueId> outputs = op_all(name, std::move(inputs), std::move(attrs));
  return outputs.empty() ? kNone : outputs.front();
}

void Builder::output(ValueId value, std::string name) {
  if (failed_) return;
  graph_.value(value).is_output = true;
  graph_.value(value).name = std::move(name);
}

Result<Graph> Builder::finish() {
  if (failed_) return error_;
  VERGE_RETURN_IF_ERROR(verify(graph_));
  return std::move(graph_);
}

}  // namespace verge::graph
