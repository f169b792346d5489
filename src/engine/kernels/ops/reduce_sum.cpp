#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/reduce_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  reduce_together(
      call, worker, 0.0, [](double sum, double x) { return sum + x; },
      [](double sum, int64_t) { return sum; });
}

}  // namespace

KernelDef reduce_sum() {
  return {.op = "reduce_sum", .supports = reduces_together, .run = run};
}

}  // namespace verge::kernels::ops
