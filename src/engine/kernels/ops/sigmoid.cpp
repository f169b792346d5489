#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const float* x = f32(call, 0);
  float* y = f32_out(call);
  for (int64_t i = first; i < last; ++i) y[i] = -x[i];
  row_kernels(isa).exp(last - first, y + first, y + first);
  for (int64_t i = first; i < last; ++i) y[i] = 1.0f / (1.0f + y[i]);
}

}  // namespace

KernelDef sigmoid() {
  return {.op = "sigmoid", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
