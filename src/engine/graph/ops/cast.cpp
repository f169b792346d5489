// The same values in another plain type: {to}, "f32", "bf16", "i32", ... Rounds to nearest.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const std::string_view to = context.node.attrs.text("to");
  const auto dtype = dtype_from_name(to);
  if (!dtype || is_quantized(*dtype)) {
    return context.fail(fmt::format("\"{}\" is not a plain type", to));
  }
  context.outputs = {{*dtype, context.dims(0)}};
  return {};
}

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const DType to = compute_dtype(b.type(context.input(0)).dtype);
  context.set(0, b.op("cast", {context.grad()}, {{"to", std::string(name(to))}}));
}

void reference(const KernelCall& call) {
  store(call.out(), load(call.in(0)));
}

}  // namespace

OpDef cast() {
  return {.name = "cast", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
