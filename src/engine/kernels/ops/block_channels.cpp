#include <algorithm>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  const int64_t area = y[2] * y[3], lanes = y[4];
  const auto [first, last] = worker.split(y[0] * y[1] * area, 16);
  for (int64_t at = first; at < last;) {
    const int64_t plane = at / area, pixel = at % area, block = plane % y[1];
    const int64_t count = std::min({area - pixel, last - at, int64_t{64}});
    const int64_t used = std::min(lanes, x[1] - block * lanes);
    const float* from = f32(call, 0) + (plane / y[1] * x[1] + block * lanes) * area + pixel;
    float* to = f32_out(call) + at * lanes;
    for (int64_t j = 0; j < lanes; ++j) {
      for (int64_t i = 0; i < count; ++i) to[i * lanes + j] = j < used ? from[j * area + i] : 0.0f;
    }
    at += count;
  }
}

}  // namespace

KernelDef block_channels() {
  return {.op = "block_channels", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
