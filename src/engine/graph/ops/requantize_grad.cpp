// dx = dy * multiplier * {factor} where the bit of the element is set, else 0: the gradient of
// clip(round(x * multiplier * factor)) of levels (level_gradient.hpp).

#include <cmath>

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: dy [n, channels, ...], optional mask u8 as level_mask makes it, optional multiplier
// [channels]. {factor} 1. Output like dy.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  if (context.has(1)) {
    VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "mask", DType::U8));
    VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "mask", mask_dims(context.dims(0))));
  }
  if (context.has(2)) {
    VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "dy", 2));
    VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "multiplier", {context.dims(0)[1]}));
  }
  const double factor = context.node.attrs.real("factor", 1);
  if (!std::isfinite(factor)) return context.fail(fmt::format("factor is {}", factor));
  context.outputs = {{compute_dtype(context.type(0).dtype), context.dims(0)}};
  return {};
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const auto* bits = call.has(1) ? call.in(1).as<const uint8_t>() : nullptr;
  const double factor = call.attrs.real("factor", 1);
  const std::vector<double> multiplier = call.has(2) ? load(call.in(2)) : std::vector{1.0};
  const Shape& shape = call.in(0).shape;
  size_t inner = 1;
  for (int i = 2; i < shape.rank(); ++i) inner *= static_cast<size_t>(shape[i]);
  for (size_t i = 0; i < x.size(); ++i) {
    const bool passes = bits == nullptr || (bits[i / 8] >> (i % 8) & 1) != 0;
    x[i] = passes ? x[i] * multiplier[i / inner % multiplier.size()] * factor : 0;
  }
  store(call.out(), x);
}

}  // namespace

OpDef requantize_grad() {
  return {.name = "requantize_grad",
          .infer = infer,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
