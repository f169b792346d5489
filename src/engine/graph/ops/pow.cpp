// a ^ b with broadcasting.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs a, b and y: da = dy b a^(b-1), db = dy y log a.
void gradient(GradientContext& context) {
  Builder& g = context.builder;
  const ValueId a = context.input(0), b = context.input(1), dy = context.grad();
  if (context.needs(0)) {
    const ValueId less = g.op("scale", {b}, {{"offset", -1.0}});
    const ValueId slope = g.op("mul", {g.op("pow", {a, less}), b});
    context.set(0, sum_to(g, g.op("mul", {slope, dy}), g.type(a).dims));
  }
  if (context.needs(1)) {
    const ValueId slope = g.op("mul", {context.output(0), g.op("log", {a})});
    context.set(1, sum_to(g, g.op("mul", {slope, dy}), g.type(b).dims));
  }
}

void reference(const KernelCall& call) {
  map_binary(call, [](double a, double b) { return std::pow(a, b); });
}

}  // namespace

OpDef pow() {
  return {.name = "pow", .infer = infer_broadcast, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
