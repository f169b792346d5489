#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/conv_gradient.hpp>

namespace verge::graph {
namespace {

// The same product over a slice of x. Of a depthwise weight, of dy as well.
ValueId sliced_weight_gradient(GradientContext& context, ValueId dy, Attrs attrs,
                               const ChannelSlice& slice) {
  const std::string_view op = context.node.op->name;
  const Dims &x = context.builder.type(context.input(0)).dims,
             &w = context.builder.type(context.input(1)).dims;
  const int64_t groups = attrs.integer("groups", 1);
  const bool is_depthwise = groups > 1 && x[1] == w[0] && w[1].factor == 1;
  if (slice.axis != (is_depthwise ? 0 : 1) || (groups > 1 && !is_depthwise)) {
    context.builder.fail(
        make_error(Code::Unsupported,
                   "{} ({}): single channels are updated of plain and depthwise convolutions, "
                   "this one has {} groups of {} channels; update all of it or none",
                   op, context.node.source, groups, w[1].factor));
    return kNone;
  }
  const ValueId saved = take_channels(context, context.input(0), 1, slice, true);
  if (is_depthwise) {
    dy = take_channels(context, dy, 1, slice, false);
    attrs.set("groups", static_cast<int64_t>(slice.channels.size()));
  }
  return context.builder.op("conv2d_grad_weight", {dy, saved}, std::move(attrs));
}

}  // namespace

ValueId emit_conv_weight_gradient(GradientContext& context, ValueId dy, Attrs attrs) {
  const Dims& w = context.builder.type(context.input(1)).dims;
  attrs.set("kernel", std::vector<int64_t>{w[2].factor, w[3].factor});
  if (const auto slice = wanted_slice(context.node)) {
    return sliced_weight_gradient(context, dy, std::move(attrs), *slice);
  }
  return context.builder.op("conv2d_grad_weight", {dy, context.input(0)}, std::move(attrs));
}

}  // namespace verge::graph
