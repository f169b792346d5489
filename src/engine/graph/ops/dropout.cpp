// y = x / (1 - rate) where draw i of Rng(seed, stream) is at least {rate}, else 0. The mask is made
// again by the gradient, not stored. Srivastava et al. 2014.

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, seed i64 []. {rate} in [0, 1), {stream} tells the dropouts of a model apart.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "seed", DType::I64));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "seed", {}));
  const double rate = context.node.attrs.real("rate");
  if (rate < 0 || rate >= 1) return context.fail(fmt::format("rate {} is not in [0, 1)", rate));
  return infer_like_input(context);
}

// Needs the seed only.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  context.set(
      0, context.builder.op("dropout", {context.grad(), context.input(1)}, context.node.attrs));
}

void reference(const KernelCall& call) {
  const double rate = call.attrs.real("rate");
  Rng rng(static_cast<uint64_t>(*call.in(1).as<const int64_t>()),
          static_cast<uint64_t>(call.attrs.integer("stream")));
  map_unary(call, [&](double x) { return rng.uniform() >= rate ? x / (1 - rate) : 0; });
}

}  // namespace

OpDef dropout() {
  return {.name = "dropout",
          .infer = infer,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
