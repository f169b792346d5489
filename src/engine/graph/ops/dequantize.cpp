// x = (q - zero_point) * scale, as ONNX DequantizeLinear.

#include <verge/engine/graph/affine.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: q i8, u8 or i32, optional scale [channels] and zero_point i32 [channels] along {axis};
// without them {scale, zero_point} for all of q. Output f32 like q; with {layout} "nhwc", which has
// no scales by channel, of q [n, h, w, c] as [n, c, h, w].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(expect_affine(context));
  const DType dtype = context.type(0).dtype;
  if (dtype != DType::I8 && dtype != DType::U8 && dtype != DType::I32) {
    return context.fail(fmt::format("q is {}, not i8, u8 or i32", name(dtype)));
  }
  if (!is_channels_last(context.node.attrs)) {
    context.outputs = {{DType::F32, context.dims(0)}};
    return {};
  }
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "q", 4));
  if (context.has(1)) return context.fail("levels of a turned image have one scale");
  context.outputs = {{DType::F32, channels_first(context.dims(0), context.node.attrs)}};
  return {};
}

// By levels: the scale of each.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const bool has_scales = context.node.inputs.size() > 1 && context.input(1) != kNone;
  if (has_scales || is_channels_last(context.node.attrs)) {
    b.fail(
        make_error(Code::Unsupported,
                   "dequantize ({}): no gradient of a scale a channel, nor of channels that come "
                   "last; give one scale and the image as it is",
                   context.node.source));
    return;
  }
  context.set(0, b.op("requantize_grad", {context.grad(), kNone, kNone},
                      {{"factor", context.node.attrs.real("scale")}}));
}

void reference(const KernelCall& call) {
  const Affine affine(call);
  std::vector<double> q = load_image(call.in(0), call.attrs);
  for (size_t i = 0; i < q.size(); ++i) q[i] = (q[i] - affine.zero_point(i)) * affine.scale(i);
  store(call.out(), q);
}

}  // namespace

OpDef dequantize() {
  return {.name = "dequantize", .infer = infer, .gradient = gradient, .reference = reference};
}

}  // namespace verge::graph::ops
