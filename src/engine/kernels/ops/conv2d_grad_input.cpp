#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

Conv2d geometry(const graph::KernelCall& call) {
  return conv_of(call.attrs, call.out().shape, call.in(0).shape, call.in(1).shape);
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return conv_workspace(geometry(call), threads, isa);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  conv2d_backward_data(isa, geometry(call), f32(call, 0), f32(call, 1), f32_out(call),
                       call.workspace, worker);
}

}  // namespace

KernelDef conv2d_grad_input() {
  return {.op = "conv2d_grad_input",
          .supports = all_f32,
          .run = run,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
