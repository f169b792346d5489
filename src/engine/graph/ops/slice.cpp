// y = x[..., start : start + size, ...] along {axis}.

#include <cstring>

#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  const Attrs& attrs = context.node.attrs;
  Type y = context.type(0);
  const int axis = from_front(attrs.integer("axis"), y.dims.size());
  if (axis < 0 || axis >= context.rank(0)) return context.fail(fmt::format("axis {}", axis));
  Dim& dim = y.dims[static_cast<size_t>(axis)];
  const int64_t start = attrs.integer("start"), size = attrs.integer("size");
  if (!dim.is_constant() || start < 0 || size < 0 || start + size > dim.factor) {
    return context.fail(fmt::format("[{}, {}) is outside of x, which has {} along axis {}", start,
                                    start + size, show_dim(context.graph, dim), axis));
  }
  if (is_quantized(y.dtype)) return context.fail("x is quantized");
  dim = size;
  context.outputs = {y};
  return {};
}

// Needs nothing: zeros around dy.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const Dims& x = b.type(context.input(0)).dims;
  const Attrs& attrs = context.node.attrs;
  const auto axis = static_cast<size_t>(from_front(attrs.integer("axis"), x.size()));
  std::vector<int64_t> before(x.size()), after(x.size());
  before[axis] = attrs.integer("start");
  after[axis] = x[axis].factor - before[axis] - attrs.integer("size");
  context.set(0, b.op("pad", {context.grad()}, {{"before", before}, {"after", after}}));
}

void reference(const KernelCall& call) {
  const TensorView &x = call.in(0), &y = call.out();
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(x.shape.rank()));
  const AxisBlocks from = axis_blocks(x, axis), to = axis_blocks(y, axis);
  const int64_t start = call.attrs.integer("start") * from.inner_bytes;
  for (int64_t i = 0; i < to.outer; ++i) {
    std::memcpy(y.as<std::byte>() + i * to.outer_bytes,
                x.as<std::byte>() + i * from.outer_bytes + start,
                static_cast<size_t>(to.outer_bytes));
  }
}

}  // namespace

OpDef slice() {
  return {.name = "slice", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
