// The gradient of group_norm: layer_norm_grad's, over the elements of each group.

#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, c, h, w], weight [c], mean, rstd [n, {groups}], dy like x. Outputs: dx, dweight,
// dbias.
Status infer(InferContext& context) {
  const Dims statistics = context.has(0) && context.rank(0) == 4
                              ? Dims{context.dims(0)[0], context.node.attrs.integer("groups", 1)}
                              : Dims{};
  return infer_channel_norm_grad(context, statistics);
}

void reference(const KernelCall& call) {
  channel_norm_grad_reference(call, group_norm_of(call.in(0).shape, call.attrs));
}

}  // namespace

OpDef group_norm_grad() {
  return {.name = "group_norm_grad",
          .infer = infer,
          .cost = channel_norm_cost,
          .reference = reference,
          .aliases = {{0, 4, false}}};
}

}  // namespace verge::graph::ops
