// y = cap * tanh(x / cap): bounds logits smoothly. Gemma 2, section 2.

#include <cmath>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs y.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.output(0)));
}

void reference(const KernelCall& call) {
  const double cap = call.attrs.real("cap", 1);
  map_unary(call, [&](double x) { return cap * std::tanh(x / cap); });
}

}  // namespace

OpDef softcap() {
  return {.name = "softcap",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
