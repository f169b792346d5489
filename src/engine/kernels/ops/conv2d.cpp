#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

Conv2d geometry(const graph::KernelCall& call) {
  Conv2d conv = conv_of(call.attrs, call.in(0).shape, call.out().shape, call.in(1).shape);
  conv.activation = fused_activation(call.attrs);
  return conv;
}

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && conv_fits(geometry(call));
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return conv_workspace(geometry(call), threads, isa);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  conv2d(isa, geometry(call), f32(call, 0), f32(call, 1), f32(call, 2), f32_out(call),
         call.workspace, worker);
}

}  // namespace

KernelDef conv2d() {
  return {.op = "conv2d", .supports = supports, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
