#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  row_kernels(isa).exp(last - first, f32(call, 0) + first, f32_out(call) + first);
}

}  // namespace

KernelDef exp() {
  return {.op = "exp", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
