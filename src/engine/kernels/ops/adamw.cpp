#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/optimizer.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const AdamW update{.learning_rate = *f32(call, 5),
                     .beta1 = static_cast<float>(call.attrs.real("beta1", 0.9)),
                     .beta2 = static_cast<float>(call.attrs.real("beta2", 0.999)),
                     .epsilon = static_cast<float>(call.attrs.real("eps", 1e-8)),
                     .weight_decay = static_cast<float>(call.attrs.real("weight_decay", 0)),
                     .step = *call.in(4).as<int64_t>()};
  adamw(isa, update, call.in(0).shape.count(), f32(call, 1), f32_out(call, 0), f32_out(call, 1),
        f32_out(call, 2), worker);
}

}  // namespace

KernelDef adamw() {
  return {.op = "adamw",
          .supports =
              [](const graph::KernelCall& call) {
                return call.in(0).dtype == DType::F32 && call.in(5).dtype == DType::F32;
              },
          .run = run};
}

}  // namespace verge::kernels::ops
