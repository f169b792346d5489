#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool is_scalar(const TensorView& view) {
  return view.dtype == DType::F32 && view.shape.rank() == 0;
}

// Equal shapes, or a scalar as the second operand; other broadcasts are left to the reference.
bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).dtype == DType::F32 &&
         (call.in(0).shape == call.in(1).shape || is_scalar(call.in(1)));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t n = call.out().shape.count();
  if (is_scalar(call.in(1)))
    return scale(isa, n, *f32(call, 1), f32(call, 0), f32_out(call), worker);
  multiply(isa, n, f32(call, 0), f32(call, 1), f32_out(call), worker);
}

}  // namespace

KernelDef mul() {
  return {.op = "mul", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
