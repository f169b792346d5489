// p'[..., channels, ...] = values along {axis}, in place: the channels that a sparse update made go
// back to where gather took them.

#include <cstring>

#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p of a plain type, values like p but for n along the axis, channels i32 [n], each once
// and in range. Output p', overwriting p.
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

Cost cost(const KernelCall& call) {
  return {0, static_cast<double>(2 * call.in(1).bytes() + call.in(2).bytes())};
}

void reference(const KernelCall& call) {
  const TensorView &p = call.in(0), &values = call.in(1), &out = call.out();
  if (out.data != p.data) std::memcpy(out.data, p.data, static_cast<size_t>(p.bytes()));
  const int axis = from_front(call.attrs.integer("axis"), static_cast<size_t>(p.shape.rank()));
  const AxisBlocks to = axis_blocks(p, axis), from = axis_blocks(values, axis);
  const auto channels = load(call.in(2));
  for (int64_t i = 0; i < from.outer; ++i) {
    for (size_t c = 0; c < channels.size(); ++c) {
      const auto channel = static_cast<int64_t>(channels[c]);
      if (channel < 0 || channel >= p.shape[axis]) continue;
      std::memcpy(out.as<std::byte>() + i * to.outer_bytes + channel * to.inner_bytes,
                  values.as<std::byte>() + i * from.outer_bytes +
                      static_cast<int64_t>(c) * from.inner_bytes,
                  static_cast<size_t>(from.inner_bytes));
    }
  }
}

}  // namespace

OpDef scatter_channels() {
  return {.name = "scatter_channels",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}}};
}

}  // namespace verge::graph::ops
