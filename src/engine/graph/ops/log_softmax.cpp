// y = x - log(sum(exp(x))) by rows (the last axis).

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Needs y.
void gradient(GradientContext& context) {
  context.set(0, context.builder.op("log_softmax_grad", {context.output(0), context.grad()}));
}

void reference(const KernelCall& call) {
  map_rows(call, [](std::vector<double>& row) {
    std::vector<double> scores = row;
    const double lse = softmax_row(scores);
    for (double& value : row) value -= lse;
  });
}

}  // namespace

OpDef log_softmax() {
  return {.name = "log_softmax",
          .infer = infer_last_axis,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
