#include <algorithm>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  const int64_t area = x[2] * x[3], lanes = x[4];
  const auto [first, last] = worker.split(x[0] * x[1] * area, 16);
  for (int64_t at = first; at < last;) {
    const int64_t plane = at / area, pixel = at % area, block = plane % x[1];
    const int64_t count = std::min({area - pixel, last - at, int64_t{64}});
    const int64_t used = std::min(lanes, y[1] - block * lanes);
    const float* from = f32(call, 0) + at * lanes;
    float* to = f32_out(call) + (plane / x[1] * y[1] + block * lanes) * area + pixel;
    for (int64_t j = 0; j < used; ++j) {
      for (int64_t i = 0; i < count; ++i) to[j * area + i] = from[i * lanes + j];
    }
    at += count;
  }
}

}  // namespace

KernelDef unblock_channels() {
  return {.op = "unblock_channels", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
