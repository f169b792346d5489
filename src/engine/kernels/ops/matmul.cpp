// a b with either matrix transposed; leading extents of a are rows. Of a batch, each worker takes
// whole products.

#include <algorithm>
#include <array>

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

bool is_batched(const graph::KernelCall& call) {
  return call.attrs.integer("batched") != 0;
}

// The first product of a batch; the others follow it in memory.
Gemm first_of_batch(const graph::KernelCall& call) {
  const auto last_two = [](const TensorView& view) {
    const Shape& shape = view.shape;
    return TensorView{view.data, view.dtype, {shape[shape.rank() - 2], shape.back()}};
  };
  const std::array<TensorView, 2> inputs = {last_two(call.in(0)), last_two(call.in(1))};
  const std::array<TensorView, 1> outputs = {last_two(call.out())};
  return gemm_of({inputs, outputs, call.attrs});
}

int64_t workspace_of_one(const graph::KernelCall& call, Isa isa) {
  const Gemm product = is_batched(call) ? first_of_batch(call) : gemm_of(call);
  return static_cast<int64_t>((gemm_workspace_bytes(isa, product) + 63) / 64 * 64);
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return workspace_of_one(call, isa) * (is_batched(call) ? threads : 1);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (!is_batched(call)) return gemm(isa, gemm_of(call), call.workspace, worker);
  const Gemm one = first_of_batch(call);
  std::byte* workspace = call.workspace + worker.index() * workspace_of_one(call, isa);
  const int64_t size = std::max<int64_t>(1, one.m * one.n);
  const auto [first, last] = worker.split(call.out().shape.count() / size);
  for (int64_t i = first; i < last; ++i) {
    Gemm product = one;
    product.a.data += i * one.m * one.k;
    product.b.data += i * one.k * one.n;
    product.c += i * one.m * one.n;
    gemm(isa, product, workspace);
  }
}

}  // namespace

KernelDef matmul() {
  return {.op = "matmul", .supports = all_f32, .run = run, .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
