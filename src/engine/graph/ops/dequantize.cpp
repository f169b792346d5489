// x = (q - zero_point) * scale, as ONNX DequantizeLinear.

#include <verge/engine/graph/affine.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: q i8, u8 or i32, optional scale [channels] and zero_point i32 [channels] along {axis};
// without them {scale, zero_point} for all of q. Output f32 like q.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(expect_affine(context));
  const DType dtype = context.type(0).dtype;
  if (dtype != DType::I8 && dtype != DType::U8 && dtype != DType::I32) {
    return context.fail(fmt::format("q is {}, not i8, u8 or i32", name(dtype)));
  }
  context.outputs = {{DType::F32, context.dims(0)}};
  return {};
}

void reference(const KernelCall& call) {
  const Affine affine(call);
  std::vector<double> q = load(call.in(0));
  for (size_t i = 0; i < q.size(); ++i) q[i] = (q[i] - affine.zero_point(i)) * affine.scale(i);
  store(call.out(), q);
}

}  // namespace

OpDef dequantize() {
  return {.name = "dequantize", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
