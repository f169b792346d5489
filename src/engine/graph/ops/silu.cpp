// y = x * sigmoid(x). Elfwing et al. 2017.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs x.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.input(0)));
}

void reference(const KernelCall& call) {
  map_unary(call, silu_of);
}

}  // namespace

OpDef silu() {
  return {.name = "silu",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
