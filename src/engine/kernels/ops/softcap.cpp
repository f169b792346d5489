#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  copy_to_output(call, 0, worker);
  const auto [first, last] = worker.split(call.out().shape.count(), 16);
  row_kernels(isa).soft_cap(last - first, static_cast<float>(call.attrs.real("cap", 1)),
                            f32_out(call) + first);
}

}  // namespace

KernelDef softcap() {
  return {.op = "softcap", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
