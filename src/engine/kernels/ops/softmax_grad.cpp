#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: y, dy.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  softmax_backward(isa, shape.rows(), shape.back(), f32(call, 0), f32(call, 1), f32_out(call),
                   worker);
}

}  // namespace

KernelDef softmax_grad() {
  return {.op = "softmax_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
