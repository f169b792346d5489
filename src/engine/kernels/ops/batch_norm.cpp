#include <verge/engine/kernels/batch_norm_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  batch_norm_frozen(isa, batch_norm_of(call.attrs, call.in(0).shape), f32(call, 0), f32(call, 1),
                    f32(call, 2), f32(call, 3), f32(call, 4), f32_out(call), worker);
}

}  // namespace

KernelDef batch_norm() {
  return {.op = "batch_norm", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
