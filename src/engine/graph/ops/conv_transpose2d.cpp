// The transposed convolution: conv2d_grad_input as a layer of its own, with a bias. Upsamples by
// its strides.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

// The extent of the result along an axis: the largest image that convolves to `input`, without
// {output_padding}; with it, a larger one.
int64_t output_extent(const Attrs& attrs, const Window2d& window, int axis, int64_t input) {
  const std::vector<int64_t>& extra = attrs.list("output_padding");
  const int64_t reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
  return (input - 1) * window.strides[axis] - window.pads[axis] - window.pads[axis + 2] + reach +
         (extra.empty() ? 0 : extra[static_cast<size_t>(axis)]);
}

// Inputs: x [n, in, h, w], w [in, out / groups, kh, kw], optional bias [out]. Output [n, out, ...].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 4));
  const Attrs& attrs = context.node.attrs;
  const Dims &x = context.dims(0), &w = context.dims(1);
  VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "w", 0, x[1]));
  const Window2d window(attrs, w[2].factor, w[3].factor);
  if (window.groups < 1 || x[1].factor % window.groups != 0) {
    return context.fail(fmt::format("{} channels in {} groups", x[1].factor, window.groups));
  }
  const Dims y = {x[0], w[1].factor * window.groups, output_extent(attrs, window, 0, x[2].factor),
                  output_extent(attrs, window, 1, x[3].factor)};
  if (context.has(2)) VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {y[1]}));
  VERGE_TRY(const Dims back, windowed_dims(context, y, x[1], window));
  if (back != x) return context.fail("output_padding must be smaller than the strides");
  context.outputs = {{compute_dtype(context.type(0).dtype), y}};
  return {};
}

// dx needs w, dw needs x.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId x = context.input(0), w = context.input(1), dy = context.grad();
  Attrs attrs = context.node.attrs;
  if (context.needs(0)) context.set(0, b.op("conv2d", {dy, w}, attrs));
  if (context.needs(1)) {
    const Dims& dims = b.type(w).dims;
    attrs.set("kernel", std::vector<int64_t>{dims[2].factor, dims[3].factor});
    context.set(1, b.op("conv2d_grad_weight", {x, dy}, attrs));
  }
  if (context.needs(2)) {
    context.set(2, b.op("reduce_sum", {dy}, {{"axes", std::vector<int64_t>{0, 2, 3}}}));
  }
}

Cost cost(const KernelCall& call) {
  return convolution_cost(call, call.in(0).shape, call.in(1).shape);
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), w = load(call.in(1));
  const Shape &weight = call.in(1).shape, &image = call.out().shape;
  const auto out = static_cast<size_t>(image[1]), area = static_cast<size_t>(image[2] * image[3]);
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(out);
  std::vector<double> y(static_cast<size_t>(image.count()));
  for (size_t i = 0; i < y.size(); ++i) y[i] = bias[i / area % out];
  for_each_tap(call.in(0).shape, image, Window2d(call.attrs, weight[2], weight[3]),
               [&](size_t xi, size_t yi, size_t wi) { y[yi] += x[xi] * w[wi]; });
  store(call.out(), y);
}

}  // namespace

OpDef conv_transpose2d() {
  return {.name = "conv_transpose2d",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
