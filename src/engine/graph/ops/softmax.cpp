// y = exp(x) / sum(exp(x)) by rows (the last axis).

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Needs y.
void gradient(GradientContext& context) {
  context.set(0, context.builder.op("softmax_grad", {context.output(0), context.grad()}));
}

void reference(const KernelCall& call) {
  map_rows(call, [](std::vector<double>& row) { softmax_row(row); });
}

}  // namespace

OpDef softmax() {
  return {.name = "softmax",
          .infer = infer_last_axis,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
