// y[j] = sum over all rows of x[..., j]: the gradient of a bias.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Input x [..., n]. Output [n].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  context.outputs = {{compute_dtype(context.type(0).dtype), {context.dims(0).back()}}};
  return {};
}

// Needs nothing.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, b.op("broadcast_to", {context.grad()}, dims_attrs(b.type(context.input(0)).dims)));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {count, 4 * count};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  std::vector<double> sums(static_cast<size_t>(call.out().shape.count()));
  for (size_t i = 0; i < x.size(); ++i) sums[i % sums.size()] += x[i];
  store(call.out(), sums);
}

}  // namespace

OpDef sum_rows() {
  return {.name = "sum_rows",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
