// The gradient of batch_norm with given statistics: dx = dy * scale / sqrt(var + eps);
// dbias = sum of dy; dscale = sum of dy * (x - mean) / sqrt(var + eps).

#include <cmath>

#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [n, c, h, w], scale, var [c], optional x like dy and mean [c]. Outputs: dx, dbias and,
// if x is given, dscale.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_channel_params(context, {1, 2, 4}));
  if (context.has(3)) {
    VERGE_RETURN_IF_ERROR(context.require_inputs(5));
    VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "x", context.dims(0)));
  }
  const DType dtype = compute_dtype(context.type(0).dtype);
  const Type channel{dtype, {context.dims(0)[1]}};
  context.outputs = {{dtype, context.dims(0)}, channel};
  if (context.has(3)) context.outputs.push_back(channel);
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)), scale = load(call.in(1)), var = load(call.in(2));
  const std::vector<double> x = call.has(3) ? load(call.in(3)) : dy;
  const std::vector<double> mean = call.has(3) ? load(call.in(4)) : var;
  const ChannelNorm norm = batch_norm_of(call.in(0).shape);
  std::vector<double> dx(dy.size()), dbias(var.size()), dscale(var.size());
  for (size_t i = 0; i < dy.size(); ++i) {
    const size_t c = norm.channel(i);
    const double rstd = 1 / std::sqrt(var[c] + call.attrs.real("eps", 1e-5));
    dx[i] = dy[i] * scale[c] * rstd;
    dbias[c] += dy[i];
    dscale[c] += dy[i] * (x[i] - mean[c]) * rstd;
  }
  store_wanted(call, 0, dx);
  store_wanted(call, 1, dbias);
  store_wanted(call, 2, dscale);
}

}  // namespace

OpDef batch_norm_grad() {
  return {.name = "batch_norm_grad",
          .infer = infer,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
