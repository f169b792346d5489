// W <- (1 - lr wd) W - lr A^T B: a weight's gradient and its update in one product.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: W [m, n], A [..., m], B [..., n], lr; output 0 is W.
Gemm gemm_of(const graph::KernelCall& call) {
  const Shape &a = call.in(1).shape, &b = call.in(2).shape;
  Gemm product{.m = a.back(), .n = b.back(), .k = a.rows()};
  product.a = {f32(call, 1), a.back(), true};
  product.b = {f32(call, 2), b.back(), false};
  product.c = f32_out(call);
  product.c_stride = product.n;
  product.compute = call.attrs.text("compute") == "bf16" ? Compute::Bf16 : Compute::F32;
  return product;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  Gemm product = gemm_of(call);
  const float learning_rate = *f32(call, 3);
  product.alpha = -learning_rate;
  product.beta = 1 - learning_rate * static_cast<float>(call.attrs.real("weight_decay", 0));
  gemm(isa, product, call.workspace, worker);
}

}  // namespace

KernelDef sgd_matmul() {
  return {.op = "sgd_matmul",
          .supports = [](const graph::KernelCall& call) { return all_f32(call); },
          .run = run,
          .workspace_bytes =
              [](const graph::KernelCall& call, int, Isa isa) {
                return static_cast<int64_t>(gemm_workspace_bytes(isa, gemm_of(call)));
              }};
}

}  // namespace verge::kernels::ops
