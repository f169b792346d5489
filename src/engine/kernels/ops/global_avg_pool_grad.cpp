#include <algorithm>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t area = call.out().shape[2] * call.out().shape[3];
  const auto [first, last] = worker.split(call.in(0).shape.count(), 16);
  for (int64_t plane = first; plane < last; ++plane) {
    std::fill_n(f32_out(call) + plane * area, area, f32(call, 0)[plane] / static_cast<float>(area));
  }
}

}  // namespace

KernelDef global_avg_pool_grad() {
  return {.op = "global_avg_pool_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
