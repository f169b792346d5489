// y = activation(x W^T + bias) + residual: the matrix product of every layer; W keeps the layout of
// model files. Models build it plain; activation and residual are fused in by passes.

#include <vector>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_slice.hpp>
#include <verge/engine/graph/fused_norm.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., in], weight [out, in] of any type, optional bias [out], optional residual like y,
// optional weight of a norm (fused_norm.hpp).
// Output y [..., out]. {activation}: as activation.hpp lists them.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "weight", 2));
  VERGE_RETURN_IF_ERROR(expect_dim(context, 0, "x", -1, context.dims(1)[1]));
  const Dim out = context.dims(1)[0];
  if (context.has(2)) VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "bias", {out}));
  Type y{compute_dtype(context.type(0).dtype), context.dims(0)};
  y.dims.back() = out;
  if (context.has(3)) VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "residual", y.dims));
  VERGE_RETURN_IF_ERROR(expect_norm(context, 4));
  const std::string_view activation = context.node.attrs.text("activation");
  if (fused_activation(activation) == nullptr) {
    return context.fail(fmt::format("activation \"{}\" cannot be fused", activation));
  }
  context.outputs = {y};
  return {};
}

// dX = dY W (needs W only); dW = dY^T X (needs X only); db = sum of rows of dY (needs nothing).
// With a fused activation the product is made again: fusion belongs after differentiation.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  ValueId dy = context.grad();
  if (context.needs(3)) context.set(3, dy);
  const std::string_view activation = context.node.attrs.text("activation", "none");
  if (activation != "none") {
    std::vector<ValueId> inputs = context.node.inputs;
    if (inputs.size() > 3) inputs.resize(3);
    dy = emit_fused_activation_grad(b, activation, b.op("linear", inputs), dy);
  }
  if (context.needs(0)) context.set(0, b.op("matmul", {dy, context.input(1)}));
  if (context.needs(1)) {
    const auto slice = wanted_slice(context.node);
    const bool is_sliced = slice && slice->axis == 1;
    const ValueId x =
        is_sliced ? take_channels(context, context.input(0), -1, *slice, true) : context.input(0);
    context.set(1, b.op("matmul", {dy, x}, {{"transpose_a", int64_t{1}}}));
  }
  if (context.needs(2)) context.set(2, b.op("sum_rows", {dy}));
}

Cost cost(const KernelCall& call) {
  const double out = static_cast<double>(call.in(1).shape[0]);
  const double in = static_cast<double>(call.in(1).shape[1]);
  const double rows = static_cast<double>(call.in(0).shape.rows());
  const double residual = call.has(3) ? out : 0;
  return {2 * rows * out * in,
          static_cast<double>(call.in(1).bytes()) + 4 * rows * (in + out + residual)};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load_normalized(call, 4), weight = load(call.in(1));
  const auto rows = static_cast<size_t>(call.in(0).shape.rows());
  const auto out = static_cast<size_t>(call.in(1).shape[0]);
  const auto in = static_cast<size_t>(call.in(1).shape[1]);
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>(out);
  std::vector<double> y = call.has(3) ? load(call.in(3)) : std::vector<double>(rows * out);
  const auto activation = fused_activation(call.attrs.text("activation"));
  for (size_t row = 0; row < rows; ++row) {
    for (size_t o = 0; o < out; ++o) {
      double sum = bias[o];
      for (size_t i = 0; i < in; ++i) sum += x[row * in + i] * weight[o * in + i];
      y[row * out + o] += activation(sum);
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef linear() {
  return {.name = "linear",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 3, false}}};
}

}  // namespace verge::graph::ops
