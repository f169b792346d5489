// y = x for x > 0, else {slope} * x.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs x.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.input(0)));
}

void reference(const KernelCall& call) {
  const double slope = call.attrs.real("slope", 0.01);
  map_unary(call, [&](double x) { return x > 0 ? x : slope * x; });
}

}  // namespace

OpDef leaky_relu() {
  return {.name = "leaky_relu",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
