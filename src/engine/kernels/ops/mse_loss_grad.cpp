#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: x, target, dloss.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const float factor = 2 * *f32(call, 2) / static_cast<float>(call.in(0).shape.count());
  map_pairs(call, worker, [factor](float x, float target) { return factor * (x - target); });
}

}  // namespace

KernelDef mse_loss_grad() {
  return {.op = "mse_loss_grad",
          .supports =
              [](const graph::KernelCall& call) {
                return all_f32(call) && call.in(2).dtype == DType::F32;
              },
          .run = run};
}

}  // namespace verge::kernels::ops
