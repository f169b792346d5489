// Lion, in place. p' = (1 - lr wd) p - lr sign(beta1 m + (1 - beta1) g);
// m' = beta2 m + (1 - beta2) g. Chen et al. 2023.

#include <verge/engine/graph/optimizer.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p, grad, m, all of one shape, lr []. Outputs: p', m', overwriting p and m.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(4));
  VERGE_RETURN_IF_ERROR(expect_update_shapes(context, {1, 2}, 3));
  context.outputs = {context.type(0), context.type(2)};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {9 * count, 20 * count};
}

double sign(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : 0;
}

void reference(const KernelCall& call) {
  std::vector<double> p = load(call.in(0)), m = load(call.in(2));
  const std::vector<double> grad = load(call.in(1));
  const double lr = load(call.in(3))[0], decay = call.attrs.real("weight_decay", 0);
  const double beta1 = call.attrs.real("beta1", 0.9), beta2 = call.attrs.real("beta2", 0.99);
  for (size_t i = 0; i < p.size(); ++i) {
    p[i] = (1 - lr * decay) * p[i] - lr * sign(beta1 * m[i] + (1 - beta1) * grad[i]);
    m[i] = beta2 * m[i] + (1 - beta2) * grad[i];
  }
  store(call.out(0), p);
  store(call.out(1), m);
}

}  // namespace

OpDef lion() {
  return {.name = "lion",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 2, true}}};
}

}  // namespace verge::graph::ops
