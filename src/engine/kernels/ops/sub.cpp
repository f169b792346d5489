#include <verge/engine/kernels/broadcast_call.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (!repeats_second(call) || call.in(1).shape.count() < kMapGrain) {
    return map_broadcast(call, worker, [](auto x, auto y) { return x - y; });
  }
  map_repeated(call, worker, [](int64_t n, const float* x, const float* y, float* out) {
    for (int64_t i = 0; i < n; ++i) out[i] = x[i] - y[i];
  });
}

}  // namespace

KernelDef sub() {
  return {.op = "sub", .supports = two_floats, .run = run};
}

}  // namespace verge::kernels::ops
