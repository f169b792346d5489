#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  sum_rows(isa, shape.rows(), shape.back(), f32(call, 0), shape.back(), false, f32_out(call),
           worker);
}

}  // namespace

KernelDef sum_rows() {
  return {.op = "sum_rows", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
