// y = erf x.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

constexpr double kTwoOverSqrtPi = 1.1283791670955125739;  // 2 / sqrt(pi)

// dx = dy * 2/sqrt(pi) * exp(-x^2): needs x.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId x = context.input(0);
  const ValueId bell = b.op("exp", {b.op("scale", {b.op("mul", {x, x})}, {{"factor", -1.0}})});
  context.set(0,
              b.op("scale", {b.op("mul", {context.grad(), bell})}, {{"factor", kTwoOverSqrtPi}}));
}

void reference(const KernelCall& call) {
  map_unary(call, [](double x) { return std::erf(x); });
}

}  // namespace

OpDef erf() {
  return {.name = "erf",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
