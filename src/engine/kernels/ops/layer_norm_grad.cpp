#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: x, weight, mean, rstd, dy; outputs dx, d_weight, d_bias, each only if wanted.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  for (size_t i : {1, 2}) clear_output(call, i, worker);
  worker.sync();
  layer_norm_backward(isa, shape.rows(), shape.back(), f32(call, 0), f32(call, 1), f32(call, 2),
                      f32(call, 3), f32(call, 4), f32_out(call), f32_out(call, 1), f32_out(call, 2),
                      worker);
}

}  // namespace

KernelDef layer_norm_grad() {
  return {.op = "layer_norm_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
