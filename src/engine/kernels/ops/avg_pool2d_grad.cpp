#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  avg_pool_backward(pool_of(call.attrs, call.out().shape), f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef avg_pool2d_grad() {
  return {.op = "avg_pool2d_grad", .supports = is_dense_pool, .run = run};
}

}  // namespace verge::kernels::ops
