#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  if (call.wants(1)) {
    clear_output(call, 1, worker);
    worker.sync();
  }
  rms_norm_backward(isa, shape.rows(), shape.back(), f32(call, 0), f32(call, 1), f32(call, 2),
                    f32(call, 3), f32_out(call), f32_out(call, 1), worker);
}

}  // namespace

KernelDef rms_norm_grad() {
  return {.op = "rms_norm_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
