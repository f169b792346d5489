#include <algorithm>

#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& x = call.in(0).shape;
  const int64_t area = x[2] * x[3], channels = call.out().shape[1];
  const auto [first, last] = worker.split(x[0] * x[1]);
  for (int64_t i = first; i < last; ++i) {
    alignas(64) float sum[16];
    blocked_kernels(isa).sum(f32(call, 0) + i * area * x[4], area, sum);
    const int64_t channel = i % x[1] * x[4];
    float* mean = f32_out(call) + i / x[1] * channels + channel;
    const int64_t used = std::min(x[4], channels - channel);
    for (int64_t j = 0; j < used; ++j) mean[j] = sum[j] / static_cast<float>(area);
  }
}

}  // namespace

KernelDef global_avg_pool_blocked() {
  return {.op = "global_avg_pool_blocked", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
