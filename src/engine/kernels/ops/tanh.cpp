#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const float* x = f32(call, 0);
  float* y = f32_out(call);
  if (x != y) std::copy(x + first, x + last, y + first);
  row_kernels(isa).soft_cap(last - first, 1, y + first);
}

}  // namespace

KernelDef tanh() {
  return {.op = "tanh", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
