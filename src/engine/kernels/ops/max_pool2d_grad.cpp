#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  max_pool_backward(pool_of(call.attrs, call.out().shape), f32(call, 0), call.in(1).as<uint8_t>(),
                    f32_out(call), worker);
}

}  // namespace

KernelDef max_pool2d_grad() {
  return {.op = "max_pool2d_grad", .supports = is_dense_pool, .run = run};
}

}  // namespace verge::kernels::ops
