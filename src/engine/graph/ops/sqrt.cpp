// y = x^(1/2).

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// dx = dy / (2 y): needs y.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId quotient = b.op("div", {context.grad(), context.output(0)});
  context.set(0, b.op("scale", {quotient}, {{"factor", 0.5}}));
}

void reference(const KernelCall& call) {
  map_unary(call, [](double x) { return std::sqrt(x); });
}

}  // namespace

OpDef sqrt() {
  return {.name = "sqrt",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
