// AdamW, in place. m' = beta1 m + (1 - beta1) g; v' = beta2 v + (1 - beta2) g^2;
// p' = (1 - lr wd) p - lr m'/(1 - beta1^step) / (sqrt(v'/(1 - beta2^step)) + eps).
// Loshchilov & Hutter 2019.

#include <verge/engine/graph/adamw_step.hpp>
#include <verge/engine/graph/optimizer.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p, grad, m, v, all of one shape, step i64 [] (1 for the first), lr [].
// Outputs: p', m', v', overwriting p, m and v.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(6));
  VERGE_RETURN_IF_ERROR(expect_update_shapes(context, {1, 2, 3}, 5));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 4, "step", DType::I64));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "step", {}));
  context.outputs = {context.type(0), context.type(2), context.type(3)};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {15 * count, 28 * count};
}

void reference(const KernelCall& call) {
  std::vector<double> p = load(call.in(0)), m = load(call.in(2)), v = load(call.in(3));
  adamw_step(call.attrs, load(call.in(1)), load(call.in(4))[0], load(call.in(5))[0], p, m, v);
  store(call.out(0), p);
  store(call.out(1), m);
  store(call.out(2), v);
}

}  // namespace

OpDef adamw() {
  return {.name = "adamw",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 2, true}, {2, 3, true}}};
}

}  // namespace verge::graph::ops
