// a * b with broadcasting.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Each needs the other.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs(i)) continue;
    const ValueId product = b.op("mul", {context.grad(), context.input(1 - i)});
    context.set(i, sum_to(b, product, b.type(context.input(i)).dims));
  }
}

void reference(const KernelCall& call) {
  map_binary(call, [](double a, double b) { return a * b; });
}

}  // namespace

OpDef mul() {
  return {.name = "mul",
          .infer = infer_broadcast,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
