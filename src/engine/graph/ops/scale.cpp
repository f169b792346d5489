// y = x * factor + offset, both attributes.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs nothing.
void gradient(GradientContext& context) {
  const double factor = context.node.attrs.real("factor", 1);
  context.set(0, context.builder.op("scale", {context.grad()}, {{"factor", factor}}));
}

void reference(const KernelCall& call) {
  const double factor = call.attrs.real("factor", 1), offset = call.attrs.real("offset", 0);
  map_unary(call, [&](double x) { return x * factor + offset; });
}

}  // namespace

OpDef scale() {
  return {.name = "scale",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
