#include <cmath>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/square_sums.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const double norm = std::sqrt(add_squares(call, worker, isa));
  const double most = call.attrs.real("max_norm", 1);
  scale(isa, call.in(0).shape.count(), static_cast<float>(norm > most ? most / norm : 1),
        f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef clip_grad() {
  return {.op = "clip_grad",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run,
          .workspace_bytes = square_sums_bytes};
}

}  // namespace verge::kernels::ops
