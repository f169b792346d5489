// y = p with y[..., channels, ...] = values along {axis}: a frozen weight with the channels that
// learn in a tensor of their own. Not in place: p stays in the model's file.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p of a plain type, values like p but for n along the axis, channels i32 [n], each once
// and in range. Output like p.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  const int axis = from_front(context.node.attrs.integer("axis"), context.dims(0).size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  if (is_quantized(context.type(0).dtype)) return context.fail("p is quantized");
  VERGE_RETURN_IF_ERROR(expect_rank(context, 2, "channels", 1));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 2, "channels", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "values", context.type(0).dtype));
  Dims expected = context.dims(0);
  expected[static_cast<size_t>(axis)] = context.dims(2)[0];
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "values", expected));
  context.outputs = {context.type(0)};
  return {};
}

// Of the values alone. Where the gradient of y is that of those channels already (differentiate
// was asked for a slice), it is theirs.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  if (context.needs(0)) {
    b.fail(make_error(Code::Unsupported,
                      "merge_channels ({}): the tensor itself is frozen; update its channels alone",
                      context.node.source));
  }
  if (!context.needs(1)) return;
  const Dims& wanted = b.type(context.input(1)).dims;
  ValueId dy = context.grad();
  if (b.type(dy).dims != wanted) {
    dy = b.op("gather", {dy, context.input(2)}, {{"axis", context.node.attrs.integer("axis")}});
  }
  context.set(1, dy);
}

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.out().bytes() + 2 * call.in(1).bytes())};
}

void reference(const KernelCall& call) {
  const TensorView inputs[] = {call.in(0), call.in(1), call.in(2)};
  find_op("scatter_channels")->reference({inputs, call.outputs, call.attrs});
}

}  // namespace

OpDef merge_channels() {
  return {.name = "merge_channels",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference};
}

}  // namespace verge::graph::ops
