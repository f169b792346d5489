// y = e^x.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs y.
void gradient(GradientContext& context) {
  context.set(0, context.builder.op("mul", {context.grad(), context.output(0)}));
}

void reference(const KernelCall& call) {
  map_unary(call, [](double x) { return std::exp(x); });
}

}  // namespace

OpDef exp() {
  return {.name = "exp",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
