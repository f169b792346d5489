#include <verge/engine/kernels/attention.hpp>
#include <verge/engine/kernels/dense_attention_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.attrs.integer("window") == 0;
}

constexpr int64_t kAlignment = 64;

// Of the query, key or value, whose gradient this is.
int64_t gradient_bytes(const graph::KernelCall& call, size_t output) {
  const int64_t bytes = call.in(output).shape.count() * static_cast<int64_t>(sizeof(float));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t unread_bytes(const graph::KernelCall& call) {
  int64_t bytes = 0;
  for (size_t output = 0; output < 3; ++output) {
    if (!call.wants(output)) bytes += gradient_bytes(call, output);
  }
  return bytes;
}

// What nobody reads is computed all the same, before the rest of the workspace.
int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return unread_bytes(call) + static_cast<int64_t>(dense_attention_backward_workspace_bytes(
                                  isa, dense_attention_of(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  std::byte* workspace = call.workspace;
  const auto place = [&](size_t output) {
    if (call.wants(output)) return call.out(output).as<float>();
    float* unread = reinterpret_cast<float*>(workspace);
    workspace += gradient_bytes(call, output);
    return unread;
  };
  DenseAttentionGradient gradient{.forward = dense_attention_of(call), .d_out = f32(call, 5)};
  gradient.forward.out = call.in(3).as<float>();
  gradient.forward.log_sum_exp = call.in(4).as<float>();
  gradient.d_q = place(0);
  gradient.d_k = place(1);
  gradient.d_v = place(2);
  dense_attention_backward(isa, gradient, workspace, worker);
}

}  // namespace

KernelDef attention_grad() {
  return {
      .op = "attention_grad", .supports = supports, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
