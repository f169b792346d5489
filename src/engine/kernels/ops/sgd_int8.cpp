// Descent by levels, a channel at a time.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_step.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: p, grad, multiplier?, remainder?, lr, step; outputs p', remainder'?.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const graph::LevelUpdate update(call.attrs, *f32(call, 4), *call.in(5).as<int64_t>());
  const int64_t channels = call.in(0).shape[0];
  const int64_t inner = call.in(0).shape.count() / channels;
  const auto [first, last] = worker.split(channels, inner == 1 ? 64 : 1);
  for (int64_t channel = first; channel < last; ++channel) {
    level_step(call, update, update.factor(f32(call, 2), channel), channel * inner, inner,
               f32(call, 1) + channel * inner);
  }
}

}  // namespace

KernelDef sgd_int8() {
  return {.op = "sgd_int8", .run = run};
}

}  // namespace verge::kernels::ops
