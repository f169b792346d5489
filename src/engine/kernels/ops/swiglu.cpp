#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t rows = call.out().shape.rows(), n = call.out().shape.back();
  gated(isa, {Activation::Silu, rows, n, f32(call, 0), n, f32(call, 1), n}, f32_out(call), n,
        worker);
}

}  // namespace

KernelDef swiglu() {
  return {.op = "swiglu", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
