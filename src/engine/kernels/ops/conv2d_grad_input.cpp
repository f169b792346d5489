#include <cmath>

#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_backward.hpp>

namespace verge::kernels::ops {
namespace {

bool has_levels(const graph::KernelCall& call) {
  return call.in(1).dtype == DType::I8;
}

Conv2d geometry(const graph::KernelCall& call) {
  Conv2d conv = conv_of(call.attrs, call.out().shape, call.in(0).shape, call.in(1).shape);
  conv.residual = f32(call, 2);
  conv.passed = f32(call, 3);
  conv.above = static_cast<float>(call.attrs.real("min", -HUGE_VAL));
  conv.below = static_cast<float>(call.attrs.real("max", HUGE_VAL));
  return conv;
}

bool supports(const graph::KernelCall& call) {
  if (!has_levels(call)) return all_f32(call);
  return call.in(0).dtype == DType::F32 && !call.has(2) && !call.has(3);
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  if (has_levels(call)) return 0;
  return static_cast<int64_t>(trained_data_workspace_bytes(isa, geometry(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (has_levels(call)) {
    conv2d_level_backward_data(geometry(call), f32(call, 0), call.in(1).as<int8_t>(), f32_out(call),
                               worker);
    return;
  }
  trained_conv2d_backward_data(isa, geometry(call), f32(call, 0), f32(call, 1), f32_out(call),
                               call.workspace, worker);
}

}  // namespace

KernelDef conv2d_grad_input() {
  return {.op = "conv2d_grad_input",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
