#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  max_pool(pool_of(call.attrs, call.in(0).shape), f32(call, 0), f32_out(call),
           call.wants(1) ? call.out(1).as<uint8_t>() : nullptr, worker);
}

}  // namespace

KernelDef max_pool2d() {
  return {.op = "max_pool2d", .supports = is_dense_pool, .run = run};
}

}  // namespace verge::kernels::ops
