// y = ln x.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Needs x.
void gradient(GradientContext& context) {
  context.set(0, context.builder.op("div", {context.grad(), context.input(0)}));
}

void reference(const KernelCall& call) {
  map_unary(call, [](double x) { return std::log(x); });
}

}  // namespace

OpDef log() {
  return {.name = "log",
          .infer = infer_like_input,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
