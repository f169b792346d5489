// y = clip(round(sum of (x - x_zero) * (multiplier / count)) + y_zero): the mean of each window, as
// levels (levels.hpp). A window as large as the image is global pooling.

#include <verge/engine/graph/level_gradient.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x i8 or u8 [n, c, h, w]. Output y [n, c, ...]. {kernel, strides, pads, dilations}:
// window2d.hpp, with {count_include_pad} as of avg_pool2d; {multiplier}: the scale of x over that
// of y, divided by the count and rounded to f32; {x_zero} 0; {to, y_zero, low, high, layout}:
// levels.hpp.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Attrs& attrs = context.node.attrs;
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "x", "x_zero"));
  VERGE_RETURN_IF_ERROR(expect_factor(context, "multiplier"));
  const Dims x = channels_first(context.dims(0), attrs);
  const int64_t counts = attrs.integer("count_include_pad");
  if (counts != 0 && counts != 1) {
    return context.fail(fmt::format("count_include_pad is {}, not 0 or 1", counts));
  }
  const Window2d window(attrs);
  if (static_cast<double>(window.kernel[0]) * static_cast<double>(window.kernel[1]) > kMostWindow) {
    return context.fail("the window has more than 2^22 elements");
  }
  VERGE_TRY(Dims y, windowed_dims(context, x, x[1], window));
  return infer_levels(context, in_layout(std::move(y), attrs));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load_image(call.in(0), call.attrs);
  const Shape small = channels_first(call.out().shape, call.attrs);
  const Shape large = channels_first(call.in(0).shape, call.attrs);
  const std::vector<double> counts = window_counts(call, small, large);
  const auto zero = static_cast<double>(call.attrs.integer("x_zero"));
  const double multiplier = call.attrs.real("multiplier");
  const Levels levels(call.attrs);
  std::vector<double> y(counts.size());
  for_each_window_element(small, large, Window2d(call.attrs),
                          [&](size_t to, size_t from, size_t) { y[to] += x[from] - zero; });
  for (size_t i = 0; i < y.size(); ++i) {
    const double factor = counts[i] > 0 ? multiplier / counts[i] : 0;
    y[i] = levels.of(static_cast<float>(y[i]) * static_cast<float>(factor));
  }
  store_image(call.out(), y, call.attrs);
}

}  // namespace

OpDef avg_pool2d_int8() {
  return {.name = "avg_pool2d_int8",
          .infer = infer,
          .gradient = avg_pool2d_int8_gradient,
          .cost = pool_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
