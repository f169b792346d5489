#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t area = call.in(0).shape[2] * call.in(0).shape[3];
  const auto [first, last] = worker.split(call.out().shape.count(), 16);
  for (int64_t plane = first; plane < last; ++plane) {
    f32_out(call)[plane] =
        element_kernels(isa).sum(area, f32(call, 0) + plane * area) / static_cast<float>(area);
  }
}

}  // namespace

KernelDef global_avg_pool() {
  return {.op = "global_avg_pool", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
