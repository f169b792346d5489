#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/dense_attention_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.attrs.integer("window") == 0 && call.wants(0) && call.wants(1) &&
         call.wants(2);
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return static_cast<int64_t>(
      dense_attention_backward_workspace_bytes(isa, dense_attention_of(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  DenseAttentionGradient gradient{.forward = dense_attention_of(call), .d_out = f32(call, 5)};
  gradient.forward.out = call.in(3).as<float>();
  gradient.forward.log_sum_exp = call.in(4).as<float>();
  gradient.d_q = f32_out(call, 0);
  gradient.d_k = f32_out(call, 1);
  gradient.d_v = f32_out(call, 2);
  dense_attention_backward(isa, gradient, call.workspace, worker);
}

}  // namespace

KernelDef attention_grad() {
  return {
      .op = "attention_grad", .supports = supports, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
