// Stochastic gradient descent, in place. g' = g + wd p; velocity' = momentum velocity + g';
// p' = p - lr velocity', or with {nesterov} p' = p - lr (g' + momentum velocity').
// Sutskever et al. 2013.

#include <verge/engine/graph/optimizer.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p, grad, optional velocity, all of one shape, lr []. Outputs: p' and, if given,
// velocity', overwriting p and velocity.
Status infer(InferContext& context) {
  if (!context.has(0) || !context.has(1) || !context.has(3)) {
    return context.fail("p, grad and lr are needed");
  }
  VERGE_RETURN_IF_ERROR(expect_update_shapes(context, {1, 2}, 3));
  context.outputs = {context.type(0)};
  if (context.has(2)) context.outputs.push_back(context.type(2));
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {4 * count, (call.has(2) ? 20 : 12) * count};
}

void reference(const KernelCall& call) {
  std::vector<double> p = load(call.in(0));
  const std::vector<double> grad = load(call.in(1));
  std::vector<double> velocity = call.has(2) ? load(call.in(2)) : std::vector<double>(p.size());
  const double lr = load(call.in(3))[0], decay = call.attrs.real("weight_decay", 0);
  const double momentum = call.has(2) ? call.attrs.real("momentum", 0) : 0;
  const bool nesterov = call.attrs.integer("nesterov") != 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double g = grad[i] + decay * p[i];
    velocity[i] = momentum * velocity[i] + g;
    p[i] -= lr * (nesterov ? g + momentum * velocity[i] : velocity[i]);
  }
  store(call.out(0), p);
  store_wanted(call, 1, velocity);
}

}  // namespace

OpDef sgd() {
  return {.name = "sgd",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 2, true}}};
}

}  // namespace verge::graph::ops
