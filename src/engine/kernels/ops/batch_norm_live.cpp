#include <verge/engine/kernels/batch_norm_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// The saved statistics are always made; in a graph without gradient they go to the workspace.
int64_t workspace_bytes(const graph::KernelCall& call, int, Isa) {
  return 2 * call.in(0).shape[1] * static_cast<int64_t>(sizeof(float));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  auto* scratch = reinterpret_cast<float*>(call.workspace);
  float* mean = call.wants(3) ? f32_out(call, 3) : scratch;
  float* rstd = call.wants(4) ? f32_out(call, 4) : scratch + call.in(0).shape[1];
  batch_norm(isa, batch_norm_of(call.attrs, call.in(0).shape), f32(call, 0), f32(call, 1),
             f32(call, 2), f32_out(call), mean, rstd, f32_out(call, 1), f32_out(call, 2), worker);
}

}  // namespace

KernelDef batch_norm_live() {
  return {
      .op = "batch_norm_live", .supports = all_f32, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
