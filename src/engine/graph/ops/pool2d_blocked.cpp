// max_pool2d or avg_pool2d of an image with its channels in blocks (channel_blocks.hpp). A pass
// makes it of those, for inference: it has no gradient.

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, blocks, h, w, 16]. Output [n, blocks, ..., 16]. {mode}: "max" or "average"; all
// others as of the pool.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  VERGE_RETURN_IF_ERROR(expect_blocked(context, 0, "x"));
  const std::string_view mode = context.node.attrs.text("mode");
  if (mode != "max" && mode != "average") return context.fail(fmt::format("mode \"{}\"", mode));
  const Window2d window(context.node.attrs);
  for (int axis = 0; axis < 2; ++axis) {
    if (std::max(window.pads[axis], window.pads[axis + 2]) >= window.kernel[axis]) {
      return context.fail("pads must be smaller than the kernel");
    }
  }
  const Dims x = unblocked_dims(context.dims(0));
  VERGE_TRY(const Dims y, windowed_dims(context, x, x[1], window));
  context.outputs = {{compute_dtype(context.type(0).dtype), blocked_dims(y)}};
  return {};
}

void reference(const KernelCall& call) {
  const Tensor x = unblocked(call.in(0));
  const Shape& y = call.out().shape;
  const Tensor pooled(DType::F64, {y[0], y[1] * kChannelBlock, y[2], y[3]});
  const std::vector<TensorView> inputs = {x.view()}, outputs = {pooled.view()};
  const bool is_max = call.attrs.text("mode") == "max";
  find_op(is_max ? "max_pool2d" : "avg_pool2d")->reference({inputs, outputs, call.attrs});
  store(call.out(), load(blocked(pooled.view()).view()));
}

}  // namespace

OpDef pool2d_blocked() {
  return {.name = "pool2d_blocked", .infer = infer, .cost = pool_cost, .reference = reference};
}

}  // namespace verge::graph::ops
