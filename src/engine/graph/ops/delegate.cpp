// What a backend runs: the graph in {body} (delegate_body.hpp), by the backend that {backend}
// names. With {own_memory} inputs that are given at each run, and all outputs, lie in the backend's
// memory, and `copy` nodes stand at its borders. The pass `partition` makes it; it has no gradient.

#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph::ops {
namespace {

// Inputs and outputs: those of the body, in its order.
Status infer(InferContext& context) {
  if (context.node.attrs.text("backend").empty()) return context.fail("no backend is named");
  const int64_t own = context.node.attrs.integer("own_memory");
  if (own != 0 && own != 1) return context.fail(fmt::format("own_memory is {}", own));
  const Result<Graph> body = parse_body(context.node.attrs.text("body"));
  if (!body) return context.fail(body.error().message);
  const std::vector<ValueId> inputs = body_inputs(*body);
  if (inputs.size() != context.node.inputs.size()) {
    return context.fail(fmt::format("its body has {} inputs, the node has {}", inputs.size(),
                                    context.node.inputs.size()));
  }
  VERGE_RETURN_IF_ERROR(context.require_inputs(inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Type& wanted = body->value(inputs[i]).type;
    if (context.type(i) == wanted) continue;
    return context.fail(fmt::format("input {} is {}, its body needs {}", i, context.show(i),
                                    show_type(*body, wanted)));
  }
  for (const ValueId output : body_outputs(*body)) {
    context.outputs.push_back(body->value(output).type);
  }
  return {};
}

Graph body_of(const KernelCall& call) {
  Result<Graph> body = parse_body(call.attrs.text("body"));
  VERGE_CHECK(body.ok(), call.attrs.text("backend"));
  return *std::move(body);
}

}  // namespace

OpDef delegate() {
  return {.name = "delegate",
          .infer = infer,
          .cost = [](const KernelCall& call) { return cost_of(body_of(call)); },
          .reference =
              [](const KernelCall& call) { run_body(body_of(call), call.inputs, call.outputs); },
          .is_elsewhere = [](const Attrs& attrs) { return attrs.integer("own_memory") != 0; }};
}

}  // namespace verge::graph::ops
