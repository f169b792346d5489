// y = clip(round((sum of w * (x - x_zero) + bias) * multiplier) + y_zero): a convolution of levels
// (levels.hpp). Sums are exact; padding has the level x_zero and adds nothing.

#include <verge/engine/graph/level_gradient.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

Window2d window_of(const KernelCall& call) {
  const Shape& w = call.in(1).shape;
  return {call.attrs, w[2], w[3]};
}

// Inputs: x i8 or u8 [n, in, h, w], w i8 [out, in / groups, kh, kw], optional bias i32 [out] in
// units of x's scale times w's, multiplier f32 [out], those two scales over that of y. Output y
// [n, out, ...]. {strides, pads, dilations, groups}: window2d.hpp; {x_zero} 0; {to, y_zero, low,
// high, layout}: levels.hpp. Depthwise is groups = in.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 4));
  const Attrs& attrs = context.node.attrs;
  const Dims x = channels_first(context.dims(0), attrs);
  const Dims& w = context.dims(1);
  const Window2d window(attrs, w[2].factor, w[3].factor);
  VERGE_RETURN_IF_ERROR(expect_weight(context, window, x, w));
  const double taps = static_cast<double>(w[2].factor) * static_cast<double>(w[3].factor);
  VERGE_RETURN_IF_ERROR(expect_product(context, w[0], taps * static_cast<double>(w[1].factor)));
  VERGE_TRY(Dims y, windowed_dims(context, x, w[0], window));
  return infer_levels(context, in_layout(std::move(y), attrs));
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.out().shape, call.in(1).shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> w = load(call.in(1));
  std::vector<double> x = load_image(call.in(0), call.attrs);
  for (double& level : x) level -= static_cast<double>(call.attrs.integer("x_zero"));
  const Shape shape = channels_first(call.out().shape, call.attrs);
  std::vector<double> y(static_cast<size_t>(shape.count()));
  for_each_tap(shape, channels_first(call.in(0).shape, call.attrs), window_of(call),
               [&](size_t yi, size_t xi, size_t wi) { y[yi] += x[xi] * w[wi]; });
  const auto out = static_cast<size_t>(shape[1]);
  const auto area = static_cast<size_t>(shape[2] * shape[3]);
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(out);
  const std::vector<double> multiplier = load(call.in(3));
  const Levels levels(call.attrs);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t channel = i / area % out;
    y[i] = levels.of(static_cast<float>(y[i] + bias[channel]) *
                     static_cast<float>(multiplier[channel]));
  }
  store_image(call.out(), y, call.attrs);
}

}  // namespace

OpDef conv2d_int8() {
  return {.name = "conv2d_int8",
          .infer = infer,
          .gradient = conv2d_int8_gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
