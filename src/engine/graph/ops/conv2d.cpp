// y = (activation(x * w + bias) + residual) * factor + offset, the 2-d cross-correlation of
// convolutional networks. Models build it plain; all that follows the bias is fused in by passes.

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/conv_gradient.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

Window2d window_of(const KernelCall& call) {
  const Shape& w = call.in(1).shape;
  return {call.attrs, w[2], w[3]};
}

// Inputs: x [n, in, h, w], w [out, in / groups, kh, kw], optional bias [out], optional residual
// like y. Output y [n, out, ...]. {strides, pads, dilations, groups}: window2d.hpp; {activation} as
// of linear, with {activate_sum} not 0 of the sum with the residual; {factor} 1, {offset} 0.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 4));
  const Dims &x = context.dims(0), &w = context.dims(1);
  const Window2d window(context.node.attrs, w[2].factor, w[3].factor);
  VERGE_RETURN_IF_ERROR(expect_weight(context, window, x, w));
  if (context.has(2)) VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {w[0]}));
  if (fused_activation(context.node.attrs.text("activation")) == nullptr) {
    return context.fail("the activation cannot be fused");
  }
  VERGE_TRY(const Dims y, windowed_dims(context, x, w[0], window));
  if (context.has(3)) VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "residual", y));
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

bool activates_sum(const Attrs& attrs) {
  return attrs.integer("activate_sum") != 0;
}

// dx needs w only; dw needs x; db nothing. A fused activation is undone as in linear.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId x = context.input(0), w = context.input(1);
  Attrs attrs = plain_attrs(context.node);
  const std::string activation(attrs.text("activation", "none"));
  attrs.set("activation", std::string("none"));
  ValueId dy = context.grad();
  if (attrs.has("factor")) {
    dy = b.op("scale", {dy}, {{"factor", attrs.real("factor")}});
    attrs.set("factor", 1.0);
    attrs.set("offset", 0.0);
  }
  const ValueId d_sum = dy;
  if (activation != "none") {
    std::vector<ValueId> inputs = context.node.inputs;
    if (inputs.size() > 3 && !activates_sum(attrs)) inputs.resize(3);
    dy = emit_fused_activation_grad(b, activation, b.op("conv2d", inputs, attrs), dy);
  }
  if (context.needs(3)) context.set(3, activates_sum(attrs) ? dy : d_sum);
  if (context.needs(0)) {
    context.set(0, b.op("conv2d_grad_input", {dy, w}, with_image_extents(b, attrs, x)));
  }
  if (context.needs(1)) context.set(1, emit_conv_weight_gradient(context, dy, attrs));
  if (context.needs(2)) {
    context.set(2, b.op("reduce_sum", {dy}, {{"axes", std::vector<int64_t>{0, 2, 3}}}));
  }
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.out().shape, call.in(1).shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), w = load(call.in(1));
  const Shape& shape = call.out().shape;
  std::vector<double> y(static_cast<size_t>(shape.count()));
  for_each_tap(shape, call.in(0).shape, window_of(call),
               [&](size_t yi, size_t xi, size_t wi) { y[yi] += x[xi] * w[wi]; });
  const auto out = static_cast<size_t>(shape[1]);
  const auto area = static_cast<size_t>(shape[2] * shape[3]);
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(out);
  const std::vector<double> residual = call.has(3) ? load(call.in(3)) : std::vector<double>();
  const bool of_sum = activates_sum(call.attrs);
  const double factor = call.attrs.real("factor", 1), offset = call.attrs.real("offset", 0);
  const auto activation = fused_activation(call.attrs.text("activation"));
  for (size_t i = 0; i < y.size(); ++i) {
    const double product = y[i] + bias[i / area % out], other = call.has(3) ? residual[i] : 0;
    y[i] = of_sum ? activation(product + other) : activation(product) + other;
    y[i] = y[i] * factor + offset;
  }
  store(call.out(), y);
}

}  // namespace

OpDef conv2d() {
  return {
      .name = "conv2d", .infer = infer, .gradient = gradient, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
