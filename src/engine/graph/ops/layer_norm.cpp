// y = (x - mean) / sqrt(variance + eps) * weight + bias, by rows. Ba et al. 2016.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., d], weight [d], optional bias [d]. Outputs: y like x, mean [...], rstd [...].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "weight", {context.dims(0).back()}));
  if (context.has(2)) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {context.dims(0).back()}));
  }
  const DType dtype = compute_dtype(context.type(0).dtype);
  const Dims rows = leading_dims(context.dims(0));
  context.outputs = {{dtype, context.dims(0)}, {dtype, rows}, {dtype, rows}};
  return {};
}

// Needs x, weight, mean and rstd; the bias needs only dy.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  if (!context.needs(0) && !context.needs(1)) {
    if (context.needs(2)) context.set(2, b.op("sum_rows", {context.grad()}));
    return;
  }
  const std::vector<ValueId> grads = b.op_all(
      "layer_norm_grad",
      {context.input(0), context.input(1), context.output(1), context.output(2), context.grad()});
  if (grads.empty()) return;
  for (size_t i = 0; i < 3; ++i) {
    if (context.needs(i)) context.set(i, grads[i]);
  }
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {7 * count, 8 * count};
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const std::vector<double> weight = load(call.in(1));
  const size_t d = weight.size();
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(d);
  std::vector<double> mean(x.size() / d), rstd(mean.size());
  for (size_t row = 0; row < mean.size(); ++row) {
    double* values = &x[row * d];
    for (size_t i = 0; i < d; ++i) mean[row] += values[i] / static_cast<double>(d);
    double variance = 0;
    for (size_t i = 0; i < d; ++i) {
      variance += (values[i] - mean[row]) * (values[i] - mean[row]) / static_cast<double>(d);
    }
    rstd[row] = 1 / std::sqrt(variance + call.attrs.real("eps"));
    for (size_t i = 0; i < d; ++i) {
      values[i] = (values[i] - mean[row]) * rstd[row] * weight[i] + bias[i];
    }
  }
  store(call.out(), x);
  store_wanted(call, 1, mean);
  store_wanted(call, 2, rstd);
}

}  // namespace

OpDef layer_norm() {
  return {.name = "layer_norm",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
