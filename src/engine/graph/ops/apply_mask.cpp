// y = x where the bit of the element is set, else 0: the gradient of relu and clip.

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, mask u8 as relu makes it. Output like x.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "mask", DType::U8));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "mask", mask_dims(context.dims(0))));
  return infer_like_input(context);
}

void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  context.set(0, context.builder.op("apply_mask", {context.grad(), context.input(1)}));
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const auto* bits = call.in(1).as<const uint8_t>();
  for (size_t i = 0; i < x.size(); ++i) {
    if ((bits[i / 8] >> (i % 8) & 1) == 0) x[i] = 0;
  }
  store(call.out(), x);
}

}  // namespace

OpDef apply_mask() {
  return {.name = "apply_mask",
          .infer = infer,
          .gradient = gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
