// y = x * P(N(0, 1) <= x). Hendrycks & Gimpel 2016; {approximate "tanh"} is their section 2
// formula.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs x.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.input(0)));
}

void reference(const KernelCall& call) {
  map_unary(call, call.attrs.text("approximate", "tanh") == "none" ? gelu_erf_of : gelu_of);
}

}  // namespace

OpDef gelu() {
  return {.name = "gelu",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
