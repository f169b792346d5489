// The largest value of each window, and which of the window's elements it is. Padding never wins.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Input x [n, c, h, w], levels of 8 bits too. Outputs: y [n, c, ...], index u8 like y (row * kernel
// width + column). {layout}: levels.hpp.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Window2d window(context.node.attrs);
  if (window.kernel[0] * window.kernel[1] > 256) {
    return context.fail("the window has more than 256 elements");
  }
  for (int axis = 0; axis < 2; ++axis) {
    if (std::max(window.pads[axis], window.pads[axis + 2]) >= window.kernel[axis]) {
      return context.fail("pads must be smaller than the kernel");
    }
  }
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  const Dims x = channels_first(context.dims(0), context.node.attrs);
  VERGE_TRY(const Dims y, windowed_dims(context, x, x[1], window));
  const Dims dims = in_layout(y, context.node.attrs);
  context.outputs = {{moved_dtype(context.type(0).dtype), dims}, {DType::U8, dims}};
  return {};
}

// Needs the index.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  context.set(0, b.op("max_pool2d_grad", {context.grad(), context.output(1)},
                      with_image_extents(b, context.node.attrs, context.input(0))));
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load_image(call.in(0), call.attrs);
  const Shape small = channels_first(call.out().shape, call.attrs);
  const auto count = static_cast<size_t>(small.count());
  std::vector<double> y(count, -HUGE_VAL), index(count);
  for_each_window_element(small, channels_first(call.in(0).shape, call.attrs), Window2d(call.attrs),
                          [&](size_t to, size_t from, size_t tap) {
                            if (x[from] <= y[to]) return;
                            y[to] = x[from];
                            index[to] = static_cast<double>(tap);
                          });
  store_image(call.out(), y, call.attrs);
  if (call.wants(1)) store_image(call.out(1), index, call.attrs);
}

}  // namespace

OpDef max_pool2d() {
  return {.name = "max_pool2d",
          .infer = infer,
          .gradient = gradient,
          .cost = pool_cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
