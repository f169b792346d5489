// The gradient of rms_norm. With u = dy * weight and h = x * rstd:
// dx = rstd * (u - h * mean(u h)); dweight = sum over rows of dy * h.

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., d], optional weight [d], rstd [...], dy like x. Outputs: dx, dweight [d].
Status infer(InferContext& context) {
  if (!context.has(0) || !context.has(2) || !context.has(3)) {
    return context.fail("x, rstd and dy are needed");
  }
  const Dims& x = context.dims(0);
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "rstd", leading_dims(x)));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "dy", x));
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, x}, {dtype, {x.back()}}};
  return {};
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {9 * count, 12 * count};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), rstd = load(call.in(2)), dy = load(call.in(3));
  const auto d = static_cast<size_t>(call.in(0).shape.back());
  const std::vector<double> weight = call.has(1) ? load(call.in(1)) : std::vector<double>(d, 1.0);
  std::vector<double> dx(x.size()), dweight(d);
  for (size_t row = 0; row < rstd.size(); ++row) {
    const size_t first = row * d;
    double mean = 0;
    for (size_t i = 0; i < d; ++i) {
      mean += dy[first + i] * weight[i] * x[first + i] * rstd[row] / static_cast<double>(d);
    }
    for (size_t i = 0; i < d; ++i) {
      const double h = x[first + i] * rstd[row];
      dx[first + i] = rstd[row] * (dy[first + i] * weight[i] - h * mean);
      dweight[i] += dy[first + i] * h;
    }
  }
  store_wanted(call, 0, dx);
  store_wanted(call, 1, dweight);
}

}  // namespace

OpDef rms_norm_grad() {
  return {.name = "rms_norm_grad",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 3, false}}};
}

}  // namespace verge::graph::ops
