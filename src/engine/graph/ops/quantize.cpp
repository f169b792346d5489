// q = clamp(round(x / scale) + zero_point), rounding half to even, as ONNX QuantizeLinear. Of f32
// the quotient is rounded to f32.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/affine.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x, optional scale [channels] and zero_point i32 [channels] along {axis}; without them
// {scale, zero_point} for all of x. Output like x, of type {to}: "i8" or "u8"; with {layout} "nhwc"
// of x [n, c, h, w] as [n, h, w, c].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(expect_affine(context));
  const std::string_view to = context.node.attrs.text("to", "i8");
  if (to != "i8" && to != "u8") return context.fail(fmt::format("to is \"{}\", not i8 or u8", to));
  const bool turns = is_channels_last(context.node.attrs);
  if (turns) VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "x", 4));
  context.outputs = {{to == "i8" ? DType::I8 : DType::U8,
                      turns ? in_layout(context.dims(0), context.node.attrs) : context.dims(0)}};
  return {};
}

void reference(const KernelCall& call) {
  const Affine affine(call);
  const bool is_signed = call.out().dtype == DType::I8, is_f32 = call.in(0).dtype == DType::F32;
  std::vector<double> x = load(call.in(0));
  for (size_t i = 0; i < x.size(); ++i) {
    const double scale = affine.scale(i);
    const double steps =
        is_f32 ? static_cast<float>(x[i]) / static_cast<float>(scale) : x[i] / scale;
    const double level = std::nearbyint(steps) + affine.zero_point(i);
    const double least = is_signed ? -128 : 0, most = is_signed ? 127 : 255;
    x[i] = std::isnan(level) ? most : std::clamp(level, least, most);
  }
  store_image(call.out(), x, call.attrs);
}

}  // namespace

OpDef quantize() {
  return {.name = "quantize", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
