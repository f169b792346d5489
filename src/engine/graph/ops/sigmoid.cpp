// y = 1 / (1 + e^-x).

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs y.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.output(0)));
}

void reference(const KernelCall& call) {
  map_unary(call, sigmoid_of);
}

}  // namespace

OpDef sigmoid() {
  return {.name = "sigmoid",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
