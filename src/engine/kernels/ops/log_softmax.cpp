#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  kernels::log_softmax(isa, shape.rows(), shape.back(), f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef log_softmax() {
  return {.op = "log_softmax", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
