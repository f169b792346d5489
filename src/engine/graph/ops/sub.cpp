// a - b with broadcasting.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  if (context.needs(0)) {
    context.set(0, sum_to(b, context.grad(), b.type(context.input(0)).dims));
  }
  if (context.needs(1)) {
    const ValueId negated = b.op("scale", {context.grad()}, {{"factor", -1.0}});
    context.set(1, sum_to(b, negated, b.type(context.input(1)).dims));
  }
}

void reference(const KernelCall& call) {
  map_binary(call, [](double a, double b) { return a - b; });
}

}  // namespace

OpDef sub() {
  return {.name = "sub",
          .infer = infer_broadcast,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
