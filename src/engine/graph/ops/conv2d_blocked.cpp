// conv2d whose result, and mostly whose image, has its channels in blocks (channel_blocks.hpp). A
// pass makes it of conv2d, for inference: it has no gradient.

#include <algorithm>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph::ops {
namespace {

bool is_plain(const TensorView& x) {
  return x.shape.rank() == 4;
}

// What x [n, c, h, w] and the weight must be to each other: one group, or one for each channel.
Status check_channels(const InferContext& context, const Dims& x, bool plain) {
  const Dims& w = context.dims(1);
  if (w[0].factor < 1 || w[1].factor < 1) return context.fail("w has no channels");
  const int64_t groups = context.node.attrs.integer("groups", 1);
  const bool is_depthwise = groups > 1 && groups == w[0].factor && w[1].factor == 1 && !plain;
  if (groups != 1 && !is_depthwise) {
    return context.fail("blocks have one group, or one for each channel of an image in blocks");
  }
  const int64_t channels = w[1].factor * groups;
  if (plain ? x[1] == Dim(channels) : x[1] == Dim(channel_blocks(channels) * kChannelBlock)) {
    return {};
  }
  return context.fail(fmt::format("w reads {} channels, x has {}", channels, x[1].factor));
}

// Inputs: x [n, blocks, h, w, 16] or [n, in, h, w], w [out, in / groups, kh, kw], optional bias
// [out], optional residual like y. Output y [n, blocks of out, ...]. Attributes as of conv2d.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  const bool plain = context.rank(0) == 4;
  VERGE_RETURN_IF_ERROR(plain ? expect_image(context, 0, "x") : expect_blocked(context, 0, "x"));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "w", 4));
  const Dims x = plain ? context.dims(0) : unblocked_dims(context.dims(0));
  const Dims& w = context.dims(1);
  VERGE_RETURN_IF_ERROR(check_channels(context, x, plain));
  if (context.has(2)) VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {w[0]}));
  if (fused_activation(context.node.attrs.text("activation")) == nullptr) {
    return context.fail("the activation cannot be fused");
  }
  const Window2d window(context.node.attrs, w[2].factor, w[3].factor);
  VERGE_TRY(const Dims y, windowed_dims(context, x, w[0], window));
  if (context.has(3)) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "residual", blocked_dims(y)));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), blocked_dims(y)}};
  return {};
}

Cost cost(const KernelCall& call) {
  const Shape &y = call.out().shape, &w = call.in(1).shape;
  Cost cost = convolution_cost(call, y, w);  // for its bytes
  cost.flops =
      2 * static_cast<double>(y[0] * y[2] * y[3]) * static_cast<double>(w[0] * w[1] * w[2] * w[3]);
  return cost;
}

// Zeros behind the values along the first two axes.
Tensor padded(const TensorView& weight, int64_t out, int64_t in) {
  const Shape& w = weight.shape;
  Tensor made(DType::F64, {out, in, w[2], w[3]});
  const std::vector<double> values = load(weight);
  const auto row = static_cast<size_t>(w[1] * w[2] * w[3]);
  const auto made_row = static_cast<size_t>(in * w[2] * w[3]);
  for (size_t i = 0; i < values.size(); ++i) {
    made.span<double>()[i / row * made_row + i % row] = values[i];
  }
  return made;
}

// An image in blocks as its channels, zeros in the lanes beyond them: those hold anything.
Tensor image_of(const TensorView& x, int64_t channels) {
  Tensor image = unblocked(x);
  const Shape& shape = image.shape();
  const int64_t area = shape[2] * shape[3];
  for (int64_t n = 0; n < shape[0]; ++n) {
    const auto from = image.span<double>().begin() + n * shape[1] * area;
    std::fill(from + channels * area, from + shape[1] * area, 0.0);
  }
  return image;
}

// conv2d over all lanes, with weights and biases of zero for those beyond the channels.
void reference(const KernelCall& call) {
  const Shape& y = call.out().shape;
  const int64_t out = y[1] * kChannelBlock;
  const bool is_depthwise = call.attrs.integer("groups", 1) > 1;
  Attrs attrs = call.attrs;
  if (is_depthwise) attrs.set("groups", out);
  const int64_t channels = call.in(1).shape[1] * call.attrs.integer("groups", 1);
  const Tensor x = is_plain(call.in(0)) ? Tensor() : image_of(call.in(0), channels);
  const TensorView image = is_plain(call.in(0)) ? call.in(0) : x.view();
  const Tensor weight = padded(call.in(1), out, is_depthwise ? 1 : image.shape[1]);
  Tensor bias(DType::F64, {out});
  if (call.has(2)) std::ranges::copy(load(call.in(2)), bias.span<double>().begin());
  const Tensor residual = call.has(3) ? unblocked(call.in(3)) : Tensor();
  const Tensor sums(DType::F64, {y[0], out, y[2], y[3]});
  const std::vector<TensorView> inputs = {image, weight.view(), bias.view(), residual.view()};
  const std::vector<TensorView> outputs = {sums.view()};
  find_op("conv2d")->reference({inputs, outputs, attrs});
  store(call.out(), load(blocked(sums.view()).view()));
}

}  // namespace

OpDef conv2d_blocked() {
  return {.name = "conv2d_blocked", .infer = infer, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
