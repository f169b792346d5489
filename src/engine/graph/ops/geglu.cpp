// y = gelu(gate) * up, with the tanh form of gelu. Shazeer 2020, "GLU Variants Improve
// Transformer".

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs gate and up.
void gradient(GradientContext& context) {
  emit_glu_grad(context, "geglu_grad");
}

void reference(const KernelCall& call) {
  map_binary(call, [](double gate, double up) { return gelu_of(gate) * up; });
}

}  // namespace

OpDef geglu() {
  return {.name = "geglu",
          .infer = infer_same_shape,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
