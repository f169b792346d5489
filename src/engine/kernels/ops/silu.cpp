#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  activate(isa, Activation::Silu, call.out().shape.count(), f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef silu() {
  return {.op = "silu", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
