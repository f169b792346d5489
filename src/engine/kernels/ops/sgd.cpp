#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/optimizer.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: p, grad, velocity?, lr; outputs p', velocity'?.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Sgd update{.learning_rate = *f32(call, 3),
                   .momentum = static_cast<float>(call.attrs.real("momentum", 0)),
                   .weight_decay = static_cast<float>(call.attrs.real("weight_decay", 0)),
                   .nesterov = call.attrs.integer("nesterov") != 0};
  sgd(isa, update, call.in(0).shape.count(), f32(call, 1), f32_out(call, 0), f32_out(call, 1),
      worker);
}

}  // namespace

KernelDef sgd() {
  return {.op = "sgd",
          .supports =
              [](const graph::KernelCall& call) {
                return call.in(0).dtype == DType::F32 && call.in(3).dtype == DType::F32;
              },
          .run = run};
}

}  // namespace verge::kernels::ops
