// The gradient of layer_norm. With u = dy * weight and h = (x - mean) * rstd:
// dx = rstd * (u - mean(u) - h * mean(u h)); dweight = sum of dy * h; dbias = sum of dy.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., d], weight [d], mean [...], rstd [...], dy like x.
// Outputs: dx, dweight [d], dbias [d].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  const Dims& x = context.dims(0);
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "weight", {x.back()}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "mean", leading_dims(x)));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "rstd", leading_dims(x)));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "dy", x));
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, x}, {dtype, {x.back()}}, {dtype, {x.back()}}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {12 * count, 12 * count};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), weight = load(call.in(1));
  const std::vector<double> mean = load(call.in(2)), rstd = load(call.in(3)), dy = load(call.in(4));
  const size_t d = weight.size();
  std::vector<double> dx(x.size()), dweight(d), dbias(d);
  for (size_t row = 0; row < mean.size(); ++row) {
    double mean_u = 0, mean_uh = 0;
    for (size_t i = 0; i < d; ++i) {
      const double u = dy[row * d + i] * weight[i];
      mean_u += u / static_cast<double>(d);
      mean_uh += u * (x[row * d + i] - mean[row]) * rstd[row] / static_cast<double>(d);
    }
    for (size_t i = 0; i < d; ++i) {
      const double h = (x[row * d + i] - mean[row]) * rstd[row];
      dx[row * d + i] = rstd[row] * (dy[row * d + i] * weight[i] - mean_u - h * mean_uh);
      dweight[i] += dy[row * d + i] * h;
      dbias[i] += dy[row * d + i];
    }
  }
  store_wanted(call, 0, dx);
  store_wanted(call, 1, dweight);
  store_wanted(call, 2, dbias);
}

}  // namespace

OpDef layer_norm_grad() {
  return {.name = "layer_norm_grad",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 4, false}}};
}

}  // namespace verge::graph::ops
