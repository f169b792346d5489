#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: p, grad, m, lr; outputs p', m' in the memory of p and m.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const float rate = *f32(call, 3);
  const float keep = 1 - rate * static_cast<float>(call.attrs.real("weight_decay", 0));
  const auto beta1 = static_cast<float>(call.attrs.real("beta1", 0.9));
  const auto beta2 = static_cast<float>(call.attrs.real("beta2", 0.99));
  const auto [first, last] = worker.split(call.in(0).shape.count(), kMapGrain);
  const float* gradient = f32(call, 1);
  float *p = f32_out(call), *m = f32_out(call, 1);
  for (int64_t i = first; i < last; ++i) {
    const float g = gradient[i], direction = beta1 * m[i] + (1 - beta1) * g;
    const float step = direction > 0 ? rate : direction < 0 ? -rate : 0;
    p[i] = keep * p[i] - step;
    m[i] = beta2 * m[i] + (1 - beta2) * g;
  }
}

}  // namespace

KernelDef lion() {
  return {.op = "lion",
          .supports =
              [](const graph::KernelCall& call) {
                return all_f32(call) && call.in(0).dtype == DType::F32 &&
                       call.in(3).dtype == DType::F32;
              },
          .run = run};
}

}  // namespace verge::kernels::ops
