#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/conv_gradient.hpp>
#include <verge/engine/graph/level_gradient.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

constexpr std::string_view kWindow[] = {"strides", "pads", "dilations", "groups", "x_zero"};

bool refuses_layout(GradientContext& context) {
  if (!is_channels_last(context.node.attrs)) return false;
  context.builder.fail(make_error(Code::Unsupported,
                                  "{} ({}): channels come last, which has no gradient; train the "
                                  "network in its own layout",
                                  context.node.op->name, context.node.source));
  return true;
}

Attrs window_attrs(const Attrs& all) {
  Attrs attrs;
  for (const auto& [name, value] : all.entries()) {
    if (std::ranges::find(kWindow, name) != std::end(kWindow)) attrs.set(name, value);
  }
  return attrs;
}

// Made in the forward pass, so that the levels themselves need not stay.
ValueId emit_clip_mask(GradientContext& context) {
  Builder& b = context.builder;
  const Attrs& attrs = context.node.attrs;
  const DType dtype = b.type(context.output(0)).dtype;
  if (!is_level(dtype)) return kNone;
  b.phase(Phase::Forward);
  const ValueId mask = b.op("level_mask", {context.output(0)},
                            {{"low", attrs.integer("low", least_level(dtype))},
                             {"high", attrs.integer("high", largest_level(dtype))}});
  b.phase(Phase::Backward);
  return mask;
}

ValueId emit_reshape(Builder& b, ValueId x, const Dims& dims) {
  return b.op("reshape", {x}, dims_attrs(dims));
}

// [..., channels] as images of one pixel.
Dims as_pixels(const Dims& dims) {
  int64_t rows = 1;
  for (const Dim& dim : leading_dims(dims)) rows *= dim.factor;
  return {rows, dims.back(), 1, 1};
}

bool is_constant(const Dims& dims) {
  return std::ranges::all_of(dims, [](const Dim& dim) { return dim.is_constant(); });
}

}  // namespace

ValueId emit_sum_gradient(GradientContext& context, ValueId multiplier, double factor) {
  return context.builder.op("requantize_grad",
                            {context.grad(), emit_clip_mask(context), multiplier},
                            {{"factor", factor}});
}

// dx needs w only; dw needs the levels of x; db nothing.
void conv2d_int8_gradient(GradientContext& context) {
  if (refuses_layout(context)) return;
  Builder& b = context.builder;
  const Attrs attrs = window_attrs(context.node.attrs);
  const ValueId d_sum = emit_sum_gradient(context, context.input(3));
  if (context.needs(0)) {
    context.set(0, b.op("conv2d_grad_input", {d_sum, context.input(1)},
                        with_image_extents(b, attrs, context.input(0))));
  }
  if (context.needs(1)) context.set(1, emit_conv_weight_gradient(context, d_sum, attrs));
  if (context.needs(2)) {
    context.set(2, b.op("reduce_sum", {d_sum}, {{"axes", std::vector<int64_t>{0, 2, 3}}}));
  }
}

// A convolution of images of one pixel.
void linear_int8_gradient(GradientContext& context) {
  Builder& b = context.builder;
  const Dims x = b.type(context.input(0)).dims, w = b.type(context.input(1)).dims,
             y = b.type(context.output(0)).dims;
  if (!is_constant(x) || wanted_slice(context.node)) {
    b.fail(make_error(Code::Unsupported,
                      "linear_int8 ({}): no gradient for open extents or single channels; give "
                      "constants, update all of it or none",
                      context.node.source));
    return;
  }
  const Attrs zero{{"x_zero", context.node.attrs.integer("x_zero")}};
  ValueId dy = context.grad();
  const ValueId mask = emit_clip_mask(context);
  dy = emit_reshape(b, dy, {as_pixels(y)[0], y.back()});
  const ValueId d_sum =
      emit_reshape(b, b.op("requantize_grad", {dy, mask, context.input(3)}), as_pixels(y));
  const Dims kernel = {w[0], w[1], 1, 1};
  if (context.needs(0)) {
    const ValueId dx = b.op("conv2d_grad_input", {d_sum, emit_reshape(b, context.input(1), kernel)},
                            {{"height", int64_t{1}}, {"width", int64_t{1}}});
    context.set(0, emit_reshape(b, dx, x));
  }
  if (context.needs(1)) {
    Attrs attrs = zero;
    attrs.set("kernel", std::vector<int64_t>{1, 1});
    const ValueId dw =
        b.op("conv2d_grad_weight", {d_sum, emit_reshape(b, context.input(0), as_pixels(x))}, attrs);
    context.set(1, emit_reshape(b, dw, w));
  }
  if (context.needs(2)) {
    context.set(2, b.op("reduce_sum", {d_sum}, {{"axes", std::vector<int64_t>{0, 2, 3}}}));
  }
}

void add_int8_gradient(GradientContext& context) {
  const Attrs& attrs = context.node.attrs;
  const ValueId mask = emit_clip_mask(context);
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs(i)) continue;
    const double factor = attrs.real(i == 0 ? "a_multiplier" : "b_multiplier");
    context.set(i, context.builder.op("requantize_grad", {context.grad(), mask, kNone},
                                      {{"factor", factor}}));
  }
}

// A mean of unchanged scale is never clipped.
void avg_pool2d_int8_gradient(GradientContext& context) {
  if (refuses_layout(context)) return;
  Builder& b = context.builder;
  const Attrs& attrs = context.node.attrs;
  const double multiplier = attrs.real("multiplier");
  const bool may_clip = multiplier != 1 || attrs.has("low") || attrs.has("high") ||
                        attrs.integer("x_zero") != attrs.integer("y_zero");
  const ValueId dy = may_clip ? emit_sum_gradient(context, kNone, multiplier) : context.grad();
  Attrs window = window_attrs(attrs);
  window.set("kernel", attrs.list("kernel"));
  window.set("count_include_pad", attrs.integer("count_include_pad"));
  context.set(0, b.op("avg_pool2d_grad", {dy}, with_image_extents(b, window, context.input(0))));
}

}  // namespace verge::graph
