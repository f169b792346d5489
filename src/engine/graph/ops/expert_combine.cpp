// y[t] = sum over j of weights[t, j] * y[t, j]: joins what a token's experts computed.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: y [tokens, k, d], weights [tokens, k]. Output [tokens, d].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "y", 3));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "weights", leading_dims(context.dims(0))));
  context.outputs = {
      {compute_dtype(context.type(0).dtype), {context.dims(0)[0], context.dims(0)[2]}}};
  return {};
}

// dy needs the weights; dweights needs y.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const Dims y = b.type(context.input(0)).dims;
  const ValueId dy = b.op("reshape", {context.grad()}, dims_attrs({y[0], 1, y[2]}));
  if (context.needs(0)) {
    const ValueId weights = b.op("reshape", {context.input(1)}, dims_attrs({y[0], y[1], 1}));
    context.set(0, b.op("mul", {weights, dy}));
  }
  if (context.needs(1)) {
    const ValueId product = b.op("mul", {context.input(0), dy});
    context.set(1, b.op("reduce_sum", {product}, {{"axes", std::vector<int64_t>{2}}}));
  }
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {2 * count, 4 * count + 4 * static_cast<double>(call.out().shape.count())};
}

void reference(const KernelCall& call) {
  const std::vector<double> y = load(call.in(0)), weights = load(call.in(1));
  const auto k = static_cast<size_t>(call.in(0).shape[1]);
  const auto d = static_cast<size_t>(call.in(0).shape[2]);
  std::vector<double> joined(static_cast<size_t>(call.out().shape.count()));
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t pair = i / d;
    joined[pair / k * d + i % d] += weights[pair] * y[i];
  }
  store(call.out(), joined);
}

}  // namespace

OpDef expert_combine() {
  return {.name = "expert_combine",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
