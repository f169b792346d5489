#include <cmath>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/square_sums.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const double total = add_squares(call, worker, isa);
  if (worker.index() == 0) *f32_out(call) = static_cast<float>(std::sqrt(total));
}

}  // namespace

KernelDef l2_norm() {
  return {.op = "l2_norm",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run,
          .workspace_bytes = square_sums_bytes};
}

}  // namespace verge::kernels::ops
