// dw of conv2d: the correlation of x with dy.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [n, out, ...], x [n, in, h, w], also levels, of which {x_zero} 0 is taken. Output dw
// [out, in / groups, {kernel}].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "dy"));
  VERGE_RETURN_IF_ERROR(expect_image(context, 1, "x"));
  if (context.node.attrs.integer("x_zero") != 0) {
    VERGE_RETURN_IF_ERROR(expect_levels(context, 1, "x", "x_zero"));
  }
  const Window2d window(context.node.attrs);
  const Dims &dy = context.dims(0), &x = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_groups(context, window, x[1], dy[1]));
  VERGE_TRY(const Dims expected, windowed_dims(context, x, dy[1], window));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 0, "dy", expected));
  context.outputs = {{compute_dtype(context.type(0).dtype),
                      {dy[1], x[1].factor / window.groups, window.kernel[0], window.kernel[1]}}};
  return {};
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.in(0).shape, call.out().shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0));
  std::vector<double> x = load(call.in(1));
  for (double& value : x) value -= static_cast<double>(call.attrs.integer("x_zero"));
  std::vector<double> dw(static_cast<size_t>(call.out().shape.count()));
  for_each_tap(call.in(0).shape, call.in(1).shape, Window2d(call.attrs),
               [&](size_t yi, size_t xi, size_t wi) { dw[wi] += dy[yi] * x[xi]; });
  store(call.out(), dw);
}

}  // namespace

OpDef conv2d_grad_weight() {
  return {.name = "conv2d_grad_weight", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
