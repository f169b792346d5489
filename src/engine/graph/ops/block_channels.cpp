// An image with its channels in blocks (channel_blocks.hpp), zeros in the lanes beyond them.

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, c, h, w]. Output [n, blocks, h, w, 16].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  context.outputs = {{compute_dtype(context.type(0).dtype), blocked_dims(context.dims(0))}};
  return {};
}

void reference(const KernelCall& call) {
  store(call.out(), load(blocked(call.in(0)).view()));
}

}  // namespace

OpDef block_channels() {
  return {.name = "block_channels", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
