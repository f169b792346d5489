#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).dtype == DType::F32 && call.attrs.real("offset", 0) == 0;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  scale(isa, call.out().shape.count(), static_cast<float>(call.attrs.real("factor", 1)),
        f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef scale() {
  return {.op = "scale", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
