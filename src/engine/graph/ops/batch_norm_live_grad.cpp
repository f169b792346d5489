// The gradient of batch_norm_live: layer_norm_grad's, over the elements of each channel.

#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, c, h, w], scale, saved_mean, saved_rstd [c], dy like x; for a norm with a ReLU also
// its bias [c]. Outputs: dx, dscale, dbias.
Status infer(InferContext& context) {
  const Dims statistics =
      context.has(0) && context.rank(0) == 4 ? Dims{context.dims(0)[1]} : Dims{};
  return infer_channel_norm_grad(context, statistics);
}

void reference(const KernelCall& call) {
  channel_norm_grad_reference(call, batch_norm_of(call.in(0).shape));
}

}  // namespace

OpDef batch_norm_live_grad() {
  return {.name = "batch_norm_live_grad",
          .infer = infer,
          .cost = channel_norm_cost,
          .reference = reference,
          .aliases = {{0, 4, false}}};
}

}  // namespace verge::graph::ops
