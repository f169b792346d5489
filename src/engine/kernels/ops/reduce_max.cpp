#include <cmath>

#include <verge/engine/graph/extremes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/reduce_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  reduce_together(
      call, worker, -HUGE_VALF, [](float most, float x) { return graph::larger(most, x); },
      [](float most, int64_t) { return most; });
}

}  // namespace

KernelDef reduce_max() {
  return {.op = "reduce_max", .supports = reduces_together, .run = run};
}

}  // namespace verge::kernels::ops
