// y = (x - mean) / sqrt(var + eps) * scale + bias by channel, with given statistics: batch
// normalization of a frozen network. Ioffe & Szegedy 2015.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, c, h, w], scale, bias, mean, var [c]. Output like x.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  VERGE_RETURN_IF_ERROR(expect_channel_params(context, {1, 2, 3, 4}));
  context.outputs = {{compute_dtype(context.type(0).dtype), context.dims(0)}};
  return {};
}

// dx needs scale and var; the gradient of the scale needs x and mean as well.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const bool scale = context.needs(1);
  const std::vector<ValueId> grads =
      b.op_all("batch_norm_grad",
               {context.grad(), context.input(1), context.input(4),
                scale ? context.input(0) : kNone, scale ? context.input(3) : kNone},
               {{"eps", context.node.attrs.real("eps", 1e-5)}});
  if (grads.empty()) return;
  if (context.needs(0)) context.set(0, grads[0]);
  if (context.needs(1)) context.set(1, grads[2]);
  if (context.needs(2)) context.set(2, grads[1]);
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  ChannelStatistics statistics{load(call.in(3)), load(call.in(4))};
  const double eps = call.attrs.real("eps", 1e-5);
  for (double& value : statistics.rstd) value = 1 / std::sqrt(value + eps);
  const ChannelNorm norm = batch_norm_of(call.in(0).shape);
  store(call.out(), normalize(norm, x, statistics, load(call.in(1)), load(call.in(2))));
}

}  // namespace

OpDef batch_norm() {
  return {.name = "batch_norm",
          .infer = infer,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
