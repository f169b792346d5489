#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Equal shapes only; broadcasting is left to the reference.
bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).shape == call.in(1).shape;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  add(isa, call.out().shape.count(), f32(call, 0), f32(call, 1), f32_out(call), worker);
}

}  // namespace

KernelDef add() {
  return {.op = "add", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
