#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: gate, up, dy; outputs: d_gate, d_up.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t rows = call.in(0).shape.rows(), n = call.in(0).shape.back();
  gated_backward(isa, {Activation::GeluTanh, rows, n, f32(call, 0), n, f32(call, 1), n},
                 f32(call, 2), n, f32_out(call, 0), f32_out(call, 1), worker);
}

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.outputs.size() == 2;
}

}  // namespace

KernelDef geglu_grad() {
  return {.op = "geglu_grad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
