// From f32 to levels of one scale; images also from planes to pixels.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels::ops {
namespace {

constexpr int64_t kSide = 64;  // of the squares that are turned

Requantize levels_of(const graph::KernelCall& call) {
  const DType to = call.out().dtype;
  const auto zero = static_cast<int32_t>(call.attrs.integer("zero_point"));
  return {.to = to,
          .least = static_cast<float>(graph::least_level(to) - zero),
          .most = static_cast<float>(graph::largest_level(to) - zero),
          .zero = zero};
}

bool supports(const graph::KernelCall& call) {
  const int64_t zero = call.attrs.integer("zero_point");
  return call.in(0).dtype == DType::F32 && call.inputs.size() == 1 && zero >= -256 && zero <= 256;
}

void run_planes(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& x = call.in(0).shape;
  const int64_t channels = x[1], area = x[2] * x[3];
  const int64_t strips = (area + kSide - 1) / kSide;
  const auto scale = static_cast<float>(call.attrs.real("scale"));
  const Requantize how = levels_of(call);
  const auto [first, last] = worker.split(x[0] * strips);
  std::byte square[kSide][kSide];
  for (int64_t i = first; i < last; ++i) {
    const int64_t image = i / strips, at = i % strips * kSide, n = std::min(kSide, area - at);
    for (int64_t begin = 0; begin < channels; begin += kSide) {
      const int64_t count = std::min(kSide, channels - begin);
      for (int64_t c = 0; c < count; ++c) {
        const float* plane = f32(call, 0) + (image * channels + begin + c) * area + at;
        int8_row_kernels(isa).quantize(n, plane, scale, how, square[c]);
      }
      std::byte* pixels = bytes_out(call) + (image * area + at) * channels + begin;
      for (int64_t p = 0; p < n; ++p) {
        for (int64_t c = 0; c < count; ++c) pixels[p * channels + c] = square[c][p];
      }
    }
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (graph::is_channels_last(call.attrs)) return run_planes(call, worker, isa);
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  int8_row_kernels(isa).quantize(last - first, f32(call, 0) + first,
                                 static_cast<float>(call.attrs.real("scale")), levels_of(call),
                                 bytes_out(call) + first);
}

}  // namespace

KernelDef quantize() {
  return {.op = "quantize", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
