// y = x / sqrt(mean(x^2) + eps) * weight. Zhang & Sennrich 2019.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., d], optional weight [d]. Outputs: y like x, rstd [...], one a row.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  if (context.has(1)) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "weight", {context.dims(0).back()}));
  }
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, context.dims(0)}, {dtype, leading_dims(context.dims(0))}};
  return {};
}

// Needs x, weight and rstd.
void gradient(GradientContext& context) {
  const bool weighted = context.node.inputs.size() > 1 && context.input(1) != kNone;
  const ValueId weight = weighted ? context.input(1) : kNone;
  const std::vector<ValueId> grads = context.builder.op_all(
      "rms_norm_grad", {context.input(0), weight, context.output(1), context.grad()});
  if (grads.empty()) return;
  if (context.needs(0)) context.set(0, grads[0]);
  if (context.needs(1)) context.set(1, grads[1]);
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {4 * count, 8 * count};
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const auto d = static_cast<size_t>(call.in(0).shape.back());
  const std::vector<double> weight = call.has(1) ? load(call.in(1)) : std::vector<double>(d, 1.0);
  const double eps = call.attrs.real("eps");
  std::vector<double> rstd(x.size() / d);
  for (size_t row = 0; row < rstd.size(); ++row) {
    double* values = &x[row * d];
    double squares = 0;
    for (size_t i = 0; i < d; ++i) squares += values[i] * values[i];
    rstd[row] = 1 / std::sqrt(squares / static_cast<double>(d) + eps);
    for (size_t i = 0; i < d; ++i) values[i] *= rstd[row] * weight[i];
  }
  store(call.out(), x);
  store_wanted(call, 1, rstd);
}

}  // namespace

OpDef rms_norm() {
  return {.name = "rms_norm",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
