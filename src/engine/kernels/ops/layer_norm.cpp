#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  kernels::layer_norm(isa, shape.rows(), shape.back(), f32(call, 0), f32(call, 1), f32(call, 2),
                      static_cast<float>(call.attrs.real("eps")), f32_out(call), f32_out(call, 1),
                      f32_out(call, 2), worker);
}

}  // namespace

KernelDef layer_norm() {
  return {.op = "layer_norm", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
