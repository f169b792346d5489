#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/dense_attention_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.attrs.integer("window") == 0;
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return static_cast<int64_t>(
      dense_attention_workspace_bytes(isa, dense_attention_of(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  DenseAttention attention = dense_attention_of(call);
  attention.out = f32_out(call, 0);
  attention.log_sum_exp = f32_out(call, 1);
  dense_attention(isa, attention, call.workspace, worker);
}

}  // namespace

KernelDef attention() {
  return {.op = "attention", .supports = supports, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
