// From levels of one scale to f32; images also from pixels to planes.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/int8_call.hpp>
#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels::ops {
namespace {

constexpr int64_t kSide = 64;  // of the squares that are turned

bool supports(const graph::KernelCall& call) {
  return graph::is_level(call.in(0).dtype) && call.inputs.size() == 1;
}

LevelRow levels_of(const graph::KernelCall& call) {
  return {bytes_in(call, 0), call.in(0).dtype == DType::I8,
          static_cast<int32_t>(call.attrs.integer("zero_point")),
          static_cast<float>(call.attrs.real("scale"))};
}

void run_pixels(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& y = call.out().shape;
  const int64_t channels = y[1], area = y[2] * y[3];
  const int64_t strips = (area + kSide - 1) / kSide;
  const LevelRow x = levels_of(call);
  const auto [first, last] = worker.split(y[0] * strips);
  std::byte square[kSide][kSide];
  for (int64_t i = first; i < last; ++i) {
    const int64_t image = i / strips, at = i % strips * kSide, n = std::min(kSide, area - at);
    for (int64_t begin = 0; begin < channels; begin += kSide) {
      const int64_t count = std::min(kSide, channels - begin);
      const std::byte* pixels = x.levels + (image * area + at) * channels + begin;
      for (int64_t p = 0; p < n; ++p) {
        for (int64_t c = 0; c < count; ++c) square[c][p] = pixels[p * channels + c];
      }
      for (int64_t c = 0; c < count; ++c) {
        LevelRow row = x;
        row.levels = square[c];
        int8_row_kernels(isa).dequantize(
            n, row, f32_out(call) + (image * channels + begin + c) * area + at);
      }
    }
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (graph::is_channels_last(call.attrs)) return run_pixels(call, worker, isa);
  const auto [first, last] = worker.split(call.out().shape.count(), 64);
  LevelRow x = levels_of(call);
  x.levels += first;
  int8_row_kernels(isa).dequantize(last - first, x, f32_out(call) + first);
}

}  // namespace

KernelDef dequantize() {
  return {.op = "dequantize", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
