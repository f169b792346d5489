// q = clamp(round(x / scale) + zero_point), rounding half to even, as ONNX QuantizeLinear.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/affine.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, optional scale [channels] and zero_point i32 [channels] along {axis}; without them
// {scale, zero_point} for all of x. Output like x, of type {to}: "i8" or "u8".
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(expect_affine(context));
  const std::string_view to = context.node.attrs.text("to", "i8");
  if (to != "i8" && to != "u8") return context.fail(fmt::format("to is \"{}\", not i8 or u8", to));
  context.outputs = {{to == "i8" ? DType::I8 : DType::U8, context.dims(0)}};
  return {};
}

void reference(const KernelCall& call) {
  const Affine affine(call);
  const bool is_signed = call.out().dtype == DType::I8;
  std::vector<double> x = load(call.in(0));
  for (size_t i = 0; i < x.size(); ++i) {
    const double level = std::nearbyint(x[i] / affine.scale(i)) + affine.zero_point(i);
    x[i] = std::clamp(level, is_signed ? -128.0 : 0.0, is_signed ? 127.0 : 255.0);
  }
  store(call.out(), x);
}

}  // namespace

OpDef quantize() {
  return {.name = "quantize", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
