// sgd_int8 of the weight of a convolution inside its gradient, a channel at a time, so that the
// gradient is never stored. Made by fusion of conv2d_grad_weight and sgd_int8.

#include <verge/engine/graph/level_update.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p i8 [out, in / groups, kh, kw], dy f32 [n, out, ...], x i8 or u8 [n, in, h, w], and
// multiplier, remainder, lr, step as of sgd_int8. Outputs p' and, if given, remainder'. The
// attributes of conv2d_grad_weight and of sgd_int8.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_image(context, 1, "dy"));
  VERGE_RETURN_IF_ERROR(expect_image(context, 2, "x"));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 2, "x", "x_zero"));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 0, "p", DType::I8));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "dy", DType::F32));
  const Window2d window(context.node.attrs);
  const Dims &dy = context.dims(1), &x = context.dims(2);
  VERGE_RETURN_IF_ERROR(expect_groups(context, window, x[1], dy[1]));
  VERGE_TRY(const Dims expected, windowed_dims(context, x, dy[1], window));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "dy", expected));
  VERGE_RETURN_IF_ERROR(expect_dims(
      context, 0, "p", {dy[1], x[1].factor / window.groups, window.kernel[0], window.kernel[1]}));
  return infer_level_update(context, 3);
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.in(1).shape, call.in(0).shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(1));
  std::vector<double> x = load(call.in(2));
  for (double& level : x) level -= static_cast<double>(call.attrs.integer("x_zero"));
  Tensor grad(DType::F32, call.in(0).shape);
  std::vector<double> dw(static_cast<size_t>(grad.shape().count()));
  for_each_tap(call.in(1).shape, call.in(2).shape, Window2d(call.attrs),
               [&](size_t yi, size_t xi, size_t wi) { dw[wi] += dy[yi] * x[xi]; });
  store(grad.view(), dw);
  const TensorView inputs[] = {call.in(0), grad.view(), call.in(3),
                               call.in(4), call.in(5),  call.in(6)};
  find_op("sgd_int8")->reference({inputs, call.outputs, call.attrs});
}

}  // namespace

OpDef sgd_conv2d_int8() {
  return {.name = "sgd_conv2d_int8",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 4, true}}};
}

}  // namespace verge::graph::ops
