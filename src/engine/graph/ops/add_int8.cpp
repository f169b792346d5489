// y = clip(round((a - a_zero) * a_multiplier + (b - b_zero) * b_multiplier) + y_zero): the sum of
// two activations of different scales, as levels (levels.hpp).

#include <cmath>

#include <verge/engine/graph/level_gradient.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs a, b: i8 or u8 of one shape. Output y like them. {a_multiplier, b_multiplier}: their
// scales over that of y, rounded to f32; {a_zero, b_zero} 0; {to, y_zero, low, high}: levels.hpp.
// The sum is rounded once to f32 (a fused multiply-add).
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "a", "a_zero"));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 1, "b", "b_zero"));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "b", context.dims(0)));
  for (const char* factor : {"a_multiplier", "b_multiplier"}) {
    VERGE_RETURN_IF_ERROR(expect_factor(context, factor));
  }
  return infer_levels(context, context.dims(0));
}

void reference(const KernelCall& call) {
  const std::vector<double> a = load(call.in(0)), b = load(call.in(1));
  const auto a_zero = static_cast<double>(call.attrs.integer("a_zero"));
  const auto b_zero = static_cast<double>(call.attrs.integer("b_zero"));
  const auto a_factor = static_cast<float>(call.attrs.real("a_multiplier"));
  const auto b_factor = static_cast<float>(call.attrs.real("b_multiplier"));
  const Levels levels(call.attrs);
  std::vector<double> y(a.size());
  for (size_t i = 0; i < y.size(); ++i) {
    const float other = static_cast<float>(b[i] - b_zero) * b_factor;
    y[i] = levels.of(std::fma(static_cast<float>(a[i] - a_zero), a_factor, other));
  }
  store(call.out(), y);
}

}  // namespace

OpDef add_int8() {
  return {.name = "add_int8",
          .infer = infer,
          .gradient = add_int8_gradient,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
