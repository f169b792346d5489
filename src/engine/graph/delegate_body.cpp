#include <algorithm>
#include <cstring>

#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

Status refuse(std::string_view what) {
  return make_error(Code::Malformed, "the body of a delegate has {}", what);
}

Status check_body(const Graph& body) {
  if (!body.symbols.empty()) return refuse("symbols");
  for (const Value& value : body.values) {
    if (value.kind == ValueKind::State) return refuse("a state");
    if (value.kind == ValueKind::Const) return refuse("a constant; its weights are inputs");
    if (value.alias_of != kNone) return refuse("an update");
    if (value.is_trainable) return refuse("a trainable parameter");
    if (value.is_output && value.kind != ValueKind::Activation) {
      return refuse("an output that no node computes");
    }
  }
  for (const Node& node : body.nodes) {
    if (node.phase != Phase::Forward) return refuse("a node that is not of the forward phase");
    if (node.op->name == "delegate") return refuse("a delegate in it");
  }
  if (body_outputs(body).empty()) return refuse("no output");
  return {};
}

std::vector<ValueId> ids_where(const Graph& body, bool (*is_wanted)(const Value&)) {
  std::vector<ValueId> ids;
  for (size_t id = 0; id < body.values.size(); ++id) {
    if (is_wanted(body.values[id])) ids.push_back(static_cast<ValueId>(id));
  }
  return ids;
}

}  // namespace

Result<Graph> parse_body(std::string_view text) {
  VERGE_TRY(Graph body, parse(text));
  VERGE_RETURN_IF_ERROR(check_body(body));
  return body;
}

std::vector<ValueId> body_inputs(const Graph& body) {
  return ids_where(body, [](const Value& value) {
    return value.kind == ValueKind::Input || value.kind == ValueKind::Param;
  });
}

std::vector<ValueId> body_outputs(const Graph& body) {
  return ids_where(body, [](const Value& value) { return value.is_output; });
}

void run_body(const Graph& body, std::span<const TensorView> inputs,
              std::span<const TensorView> outputs) {
  std::vector<Tensor> made(body.values.size());
  std::vector<TensorView> views(body.values.size());
  for (size_t id = 0; id < body.values.size(); ++id) {
    const Value& value = body.values[id];
    if (value.kind != ValueKind::Activation) continue;
    made[id] = Tensor(value.type.dtype, body.bound_shape(value.type));
    views[id] = made[id].view();
  }
  const std::vector<ValueId> given = body_inputs(body), taken = body_outputs(body);
  for (size_t i = 0; i < given.size(); ++i) views[static_cast<size_t>(given[i])] = inputs[i];
  const auto views_of = [&](const std::vector<ValueId>& ids) {
    std::vector<TensorView> list;
    for (const ValueId id : ids) {
      list.push_back(id == kNone ? TensorView{} : views[static_cast<size_t>(id)]);
    }
    return list;
  };
  for (const Node& node : body.nodes) {
    node.op->reference({views_of(node.inputs), views_of(node.outputs), node.attrs});
  }
  for (size_t i = 0; i < taken.size(); ++i) {
    if (outputs[i].data == nullptr) continue;
    const TensorView& from = views[static_cast<size_t>(taken[i])];
    std::memcpy(outputs[i].data, from.data, static_cast<size_t>(from.bytes()));
  }
}

}  // namespace verge::graph
