// dx of conv2d: each dy spread over the window it was computed from. What follows, another part of
// the gradient and the mask of a ReLU or clip, is fused in by a pass.

#include <cmath>

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [n, out, ...], w [out, in / groups, kh, kw], also levels, optional `other` and
// `passed` like dx. Output dx [n, in, {height}, {width}]: with `other` added, and 0 where `passed`,
// the result of a clip, is not between {min} and {max}.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "dy"));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 4));
  const Attrs& attrs = context.node.attrs;
  const Dims& w = context.dims(1);
  const Window2d window(attrs, w[2].factor, w[3].factor);
  if (window.groups < 1) return context.fail(fmt::format("{} groups", window.groups));
  const Dims x = {context.dims(0)[0], w[1].factor * window.groups, attrs.integer("height"),
                  attrs.integer("width")};
  VERGE_RETURN_IF_ERROR(expect_groups(context, window, x[1], w[0]));
  VERGE_TRY(const Dims dy, windowed_dims(context, x, w[0], window));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 0, "dy", dy));
  if (context.has(2)) VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "other", x));
  if (context.has(3)) VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "passed", x));
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.in(0).shape, call.in(1).shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> dy = load(call.in(0)), w = load(call.in(1));
  const Shape &weight = call.in(1).shape, &image = call.out().shape;
  std::vector<double> dx(static_cast<size_t>(image.count()));
  for_each_tap(call.in(0).shape, image, Window2d(call.attrs, weight[2], weight[3]),
               [&](size_t yi, size_t xi, size_t wi) { dx[xi] += dy[yi] * w[wi]; });
  if (call.has(2)) {
    const std::vector<double> other = load(call.in(2));
    for (size_t i = 0; i < dx.size(); ++i) dx[i] += other[i];
  }
  if (call.has(3)) {
    // Bounds as the clip's result has them: where that is f32, its 0.7 is not the attribute's.
    const bool is_f32 = call.in(3).dtype == DType::F32;
    const auto bound = [&](const char* name, double open) {
      const double value = call.attrs.real(name, open);
      return is_f32 ? static_cast<double>(static_cast<float>(value)) : value;
    };
    const double low = bound("min", -HUGE_VAL), high = bound("max", HUGE_VAL);
    const std::vector<double> passed = load(call.in(3));
    for (size_t i = 0; i < dx.size(); ++i) {
      if (!(passed[i] > low && passed[i] < high)) dx[i] = 0;
    }
  }
  store(call.out(), dx);
}

}  // namespace

OpDef conv2d_grad_input() {
  return {.name = "conv2d_grad_input", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
