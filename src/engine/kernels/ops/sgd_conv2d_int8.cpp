// The gradient of one output channel at a time, in scratch memory, and its step.

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_call.hpp>
#include <verge/engine/kernels/level_step.hpp>

namespace verge::kernels::ops {
namespace {

int64_t inner_of(const graph::KernelCall& call) {
  return call.in(0).shape.count() / call.in(0).shape[0];
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa) {
  return threads * inner_of(call) * static_cast<int64_t>(sizeof(float));
}

// Inputs: p, dy, x, multiplier?, remainder?, lr, step; outputs p', remainder'?.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const graph::LevelUpdate update(call.attrs, *f32(call, 5), *call.in(6).as<int64_t>());
  const Conv2d conv = conv_of(call.attrs, call.in(2).shape, call.in(1).shape, call.in(0).shape);
  const int64_t inner = inner_of(call);
  float* grad = reinterpret_cast<float*>(call.workspace) + worker.index() * inner;
  for (int64_t out = worker.claim(); out < conv.out_channels; out = worker.claim()) {
    conv2d_level_backward_weight(conv, f32(call, 1), level_image(call, 2), out, grad);
    level_step(call, update, update.factor(f32(call, 3), out), out * inner, inner, grad);
  }
}

}  // namespace

KernelDef sgd_conv2d_int8() {
  return {.op = "sgd_conv2d_int8", .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
