#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_call.hpp>

namespace verge::kernels::ops {
namespace {

bool has_levels(const graph::KernelCall& call) {
  return graph::is_level(call.in(1).dtype);
}

Conv2d geometry(const graph::KernelCall& call) {
  return conv_of(call.attrs, call.in(1).shape, call.in(0).shape, call.out().shape);
}

bool supports(const graph::KernelCall& call) {
  return has_levels(call) ? call.in(0).dtype == DType::F32 : all_f32(call);
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  if (has_levels(call)) return 0;
  return static_cast<int64_t>(trained_weight_workspace_bytes(isa, geometry(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (!has_levels(call)) {
    trained_conv2d_backward_weight(isa, geometry(call), f32(call, 1), f32(call, 0), f32_out(call),
                                   call.workspace, worker);
    return;
  }
  const Conv2d conv = geometry(call);
  const int64_t inner = call.out().shape.count() / conv.out_channels;
  for (int64_t out = worker.claim(); out < conv.out_channels; out = worker.claim()) {
    conv2d_level_backward_weight(conv, f32(call, 0), level_image(call, 1), out,
                                 f32_out(call) + out * inner);
  }
}

}  // namespace

KernelDef conv2d_grad_weight() {
  return {.op = "conv2d_grad_weight",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
