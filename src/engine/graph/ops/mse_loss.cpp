// The mean over all elements of (x - target)^2.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, target like x. Output [].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(infer_same_shape(context));
  context.outputs[0].dims = {};
  return {};
}

// Needs both.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId dx = b.op("mse_loss_grad", {context.input(0), context.input(1), context.grad()});
  if (context.needs(0)) context.set(0, dx);
  if (context.needs(1)) context.set(1, b.op("scale", {dx}, {{"factor", -1.0}}));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {3 * count, 8 * count};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), target = load(call.in(1));
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - target[i]) * (x[i] - target[i]);
  store(call.out(), {sum / static_cast<double>(x.size())});
}

}  // namespace

OpDef mse_loss() {
  return {.name = "mse_loss",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
