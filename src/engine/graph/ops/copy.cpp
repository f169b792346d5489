// The same bytes in another memory: {to} the memory of the backend of this name, or {from} it to
// the host's. Stands at the borders of what a `delegate` runs.

#include <cstring>

#include <verge/engine/graph/op.hpp>

namespace verge::graph::ops {
namespace {

// Input x, output like x.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  if (context.node.attrs.text("to").empty() == context.node.attrs.text("from").empty()) {
    return context.fail("it copies to a backend, or from one");
  }
  context.outputs = {context.type(0)};
  return {};
}

Cost cost(const KernelCall& call) {
  return {0, 2 * static_cast<double>(call.in(0).bytes())};
}

void reference(const KernelCall& call) {
  std::memcpy(call.out().data, call.in(0).data, static_cast<size_t>(call.out().bytes()));
}

}  // namespace

OpDef copy() {
  return {.name = "copy",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .is_elsewhere = [](const Attrs& attrs) { return !attrs.text("to").empty(); }};
}

}  // namespace verge::graph::ops
