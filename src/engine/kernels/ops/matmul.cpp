// a b with either matrix transposed; leading extents of a are rows. Batches of matrices are left to
// the reference.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

Gemm gemm_of(const graph::KernelCall& call) {
  const bool transpose_a = call.attrs.integer("transpose_a") != 0;
  const bool transpose_b = call.attrs.integer("transpose_b") != 0;
  const Shape &a = call.in(0).shape, &b = call.in(1).shape;
  Gemm product{.m = transpose_a ? a.back() : a.rows(),
               .n = transpose_b ? b.rows() : b.back(),
               .k = transpose_a ? a.rows() : a.back()};
  product.a = {f32(call, 0), a.back(), transpose_a};
  product.b = {f32(call, 1), b.back(), transpose_b};
  product.c = f32_out(call);
  product.c_stride = product.n;
  product.compute = call.attrs.text("compute") == "bf16" ? Compute::Bf16 : Compute::F32;
  return product;
}

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.attrs.integer("batched") == 0;
}

int64_t workspace_bytes(const graph::KernelCall& call, int, Isa isa) {
  return static_cast<int64_t>(gemm_workspace_bytes(isa, gemm_of(call)));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  gemm(isa, gemm_of(call), call.workspace, worker);
}

}  // namespace

KernelDef matmul() {
  return {.op = "matmul", .supports = supports, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
