// Each image normalized over groups of channels, then scaled and shifted by channel. Wu & He 2018.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, c, h, w], weight [c], bias [c]. Outputs: y like x, mean [n, {groups}], rstd alike.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_channel_params(context, {1, 2}));
  const Dims& x = context.dims(0);
  const int64_t groups = context.node.attrs.integer("groups", 1);
  if (groups < 1 || x[1].factor % groups != 0) {
    return context.fail(
        fmt::format("{} channels are no multiple of {} groups", x[1].factor, groups));
  }
  const Type statistics{compute_dtype(context.type(0).dtype), {x[0], groups}};
  context.outputs = {{statistics.dtype, x}, statistics, statistics};
  return {};
}

// Needs x, weight, mean and rstd.
void gradient(GradientContext& context) {
  emit_channel_norm_grad(context, "group_norm_grad", context.output(1), context.output(2));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const ChannelNorm norm = group_norm_of(call.in(0).shape, call.attrs);
  const ChannelStatistics statistics = measure(norm, x, call.attrs.real("eps", 1e-5));
  store(call.out(), normalize(norm, x, statistics, load(call.in(1)), load(call.in(2))));
  store_wanted(call, 1, statistics.mean);
  store_wanted(call, 2, statistics.rstd);
}

}  // namespace

OpDef group_norm() {
  return {.name = "group_norm",
          .infer = infer,
          .gradient = gradient,
          .cost = channel_norm_cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
