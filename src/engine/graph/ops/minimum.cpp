// The smaller of a and b with broadcasting. Of equal ones a gets the gradient.

#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/extremes.hpp>

namespace verge::graph::ops {
namespace {

void gradient(GradientContext& context) {
  emit_choice_grad(context, "le");
}

void reference(const KernelCall& call) {
  map_binary(call, [](double a, double b) { return smaller(a, b); });
}

}  // namespace

OpDef minimum() {
  return {.name = "minimum",
          .infer = infer_broadcast,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}, {0, 1, false}}};
}

}  // namespace verge::graph::ops
