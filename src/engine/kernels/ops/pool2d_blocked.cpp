#include <verge/engine/kernels/blocked_run.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  const Pool2d pool = pool_of(call.attrs, x);
  const BlockedKernels& kernels = blocked_kernels(isa);
  const auto row_of = call.attrs.text("mode") == "max" ? kernels.max_row : kernels.average_row;
  const auto [first, last] = worker.split(y[0] * y[1] * y[2]);
  for (int64_t i = first; i < last; ++i) {
    row_of({.pool = &pool,
            .x = f32(call, 0) + i / y[2] * x[2] * x[3] * x[4],
            .y = f32_out(call) + i * y[3] * y[4],
            .row = i % y[2]});
  }
}

}  // namespace

KernelDef pool2d_blocked() {
  return {.op = "pool2d_blocked", .supports = is_dense_pool, .run = run};
}

}  // namespace verge::kernels::ops
