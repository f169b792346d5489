// dy where its bit is set, by the multiplier of its channel.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void scale_plane(const float* dy, const uint8_t* bits, int64_t first, int64_t count, float factor,
                 float* dx) {
  if (bits == nullptr) {
    for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * factor;
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = first + i;
    dx[i] = (bits[at / 8] >> (at % 8) & 1) != 0 ? dy[i] * factor : 0.0f;
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape& shape = call.in(0).shape;
  int64_t inner = 1;
  for (int i = 2; i < shape.rank(); ++i) inner *= shape[i];
  const float* multiplier = f32(call, 2);
  const auto factor = static_cast<float>(call.attrs.real("factor", 1));
  const auto* bits = call.has(1) ? call.in(1).as<const uint8_t>() : nullptr;
  const int64_t planes = inner > 0 ? shape.count() / inner : 0;
  const auto [first, last] = worker.split(planes);
  for (int64_t plane = first; plane < last; ++plane) {
    const float of_channel = multiplier == nullptr ? 1.0f : multiplier[plane % shape[1]];
    scale_plane(f32(call, 0) + plane * inner, bits, plane * inner, inner, of_channel * factor,
                f32_out(call) + plane * inner);
  }
}

}  // namespace

KernelDef requantize_grad() {
  return {.op = "requantize_grad",
          .supports =
              [](const graph::KernelCall& call) {
                return call.in(0).dtype == DType::F32 &&
                       (!call.has(2) || call.in(2).dtype == DType::F32);
              },
          .run = run};
}

}  // namespace verge::kernels::ops
