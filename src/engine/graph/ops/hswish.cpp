// y = x * min(max(x / 6 + 1/2, 0), 1). Howard et al. 2019, "Searching for MobileNetV3",
// section 5.2.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs x.
void gradient(GradientContext& context) {
  context.set(0, emit_activation_grad(context, context.input(0)));
}

void reference(const KernelCall& call) {
  map_unary(call, hswish_of);
}

}  // namespace

OpDef hswish() {
  return {.name = "hswish",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
