// y = x^(-1/2).

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// dx = -dy y^3 / 2: needs y.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId y = context.output(0);
  const ValueId cube = b.op("mul", {b.op("mul", {y, y}), y});
  context.set(0, b.op("scale", {b.op("mul", {context.grad(), cube})}, {{"factor", -0.5}}));
}

void reference(const KernelCall& call) {
  map_unary(call, [](double x) { return 1 / std::sqrt(x); });
}

}  // namespace

OpDef rsqrt() {
  return {.name = "rsqrt",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
