// a + b with broadcasting.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs(i)) continue;
    context.set(i, sum_to(b, context.grad(), b.type(context.input(i)).dims));
  }
}

void reference(const KernelCall& call) {
  map_binary(call, [](double a, double b) { return a + b; });
}

}  // namespace

OpDef add() {
  return {.name = "add",
          .infer = infer_broadcast,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
