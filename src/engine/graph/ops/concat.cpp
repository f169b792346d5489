// The inputs one after the other along {axis}.

#include <cstring>

#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Any number of inputs of one type but for the extent along the axis.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(std::max<size_t>(1, context.node.inputs.size())));
  Type y = context.type(0);
  const int axis = from_front(context.node.attrs.integer("axis"), y.dims.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  Dim& total = y.dims[static_cast<size_t>(axis)];
  for (size_t i = 1; i < context.node.inputs.size(); ++i) {
    const std::string argument = fmt::format("input {}", i);
    VERGE_RETURN_IF_ERROR(expect_rank(context, i, argument, context.rank(0)));
    VERGE_RETURN_IF_ERROR(expect_dtype(context, i, argument, y.dtype));
    Dims expected = context.dims(0);
    const Dim& own = context.dims(i)[static_cast<size_t>(axis)];
    expected[static_cast<size_t>(axis)] = own;
    VERGE_RETURN_IF_ERROR(expect_dims(context, i, argument, expected));
    VERGE_RETURN_IF_ERROR(expect_dim(context, i, argument, axis, Dim(own.factor, total.symbol)));
    total.factor += own.factor;
  }
  if (is_quantized(y.dtype)) return context.fail("the inputs are quantized");
  context.outputs = {y};
  return {};
}

// Needs nothing: slices of dy.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const int64_t axis = context.node.attrs.integer("axis");
  int64_t start = 0;
  for (size_t i = 0; i < context.node.inputs.size(); ++i) {
    const Dims& dims = b.type(context.input(i)).dims;
    const int64_t size = dims[static_cast<size_t>(from_front(axis, dims.size()))].factor;
    if (context.needs(i)) {
      context.set(
          i, b.op("slice", {context.grad()}, {{"axis", axis}, {"start", start}, {"size", size}}));
    }
    start += size;
  }
}

void reference(const KernelCall& call) {
  const TensorView& y = call.out();
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(y.shape.rank()));
  const AxisBlocks to = axis_blocks(y, axis);
  int64_t start = 0;
  for (const TensorView& x : call.inputs) {
    const AxisBlocks from = axis_blocks(x, axis);
    for (int64_t i = 0; i < from.outer; ++i) {
      std::memcpy(y.as<std::byte>() + i * to.outer_bytes + start,
                  x.as<std::byte>() + i * from.outer_bytes, static_cast<size_t>(from.outer_bytes));
    }
    start += from.outer_bytes;
  }
}

}  // namespace

OpDef concat() {
  return {.name = "concat", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
