// y = activation(x W^T + bias) + residual: packed weights by the quantized product, weights in
// training by the float GEMM.

#include <algorithm>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/linear_call.hpp>

namespace verge::kernels::ops {
namespace {

using graph::KernelCall;

Gemm gemm_of(const KernelCall& call) {
  const TensorView &x = call.in(0), &weight = call.in(1);
  Gemm product{.m = x.shape.rows(), .n = weight.shape[0], .k = weight.shape[1]};
  product.a = {x.as<float>(), product.k};
  product.b = {weight.as<float>(), product.k, true};
  product.c = call.out().as<float>();
  product.c_stride = product.n;
  product.bias = call.has(2) ? call.in(2).as<float>() : nullptr;
  product.activation = fused_activation(call.attrs);
  product.residual = call.has(3) ? call.in(3).as<float>() : nullptr;
  if (product.residual == product.c) {  // planned in place
    product.residual = nullptr;
    product.beta = 1;
  }
  product.compute = call.attrs.text("compute") == "bf16" ? Compute::Bf16 : Compute::F32;
  return product;
}

bool supports(const KernelCall& call) {
  if (call.in(0).dtype != DType::F32) return false;
  for (size_t i = 2; i < std::min<size_t>(call.inputs.size(), 4); ++i) {  // bias, residual
    if (call.in(i).dtype != DType::F32) return false;
  }
  if (call.is_packed(1)) return fused_activation(call.attrs) == Activation::None;
  if (call.has(4)) return false;  // the float product reads its rows as they are
  return call.in(1).dtype == DType::F32 &&
         !(call.has(3) && fused_activation(call.attrs) != Activation::None);
}

int64_t workspace_bytes(const KernelCall& call, int threads, Isa isa) {
  if (call.is_packed(1)) return activations_workspace(call, call.in(1).dtype, threads);
  return static_cast<int64_t>(gemm_workspace_bytes(isa, gemm_of(call)));
}

void run(const KernelCall& call, Worker& worker, Isa isa) {
  if (!call.is_packed(1)) return gemm(isa, gemm_of(call), call.workspace, worker);
  const Activations x = prepare(call, call.in(1).dtype, RowNorm(call, 4), worker, isa);
  const Product product{.weights = packed_matrix(call.in(1)),
                        .y = call.out().as<float>(),
                        .y_stride = call.out().shape.back(),
                        .bias = call.has(2) ? call.in(2).as<float>() : nullptr,
                        .residual = call.has(3) ? call.in(3).as<float>() : nullptr};
  matmul(std::span(&product, 1), x, worker, isa);
}

}  // namespace

KernelDef linear() {
  return {.op = "linear",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes,
          .wants_packed =
              [](const KernelCall& call, size_t input) {
                const bool is_float_with_activation =
                    call.in(1).dtype == DType::F32 &&
                    fused_activation(call.attrs) != Activation::None;
                return input == 1 && !is_float_with_activation && wants_packed_weight(call, input);
              },
          .row_products = [](const KernelCall&) -> std::vector<RowProduct> {
            using enum RowProduct::Role;
            return {{{{0, Whole}, {1, Weight}, {2, Bias}, {3, Output}, {4, Whole}}, 0}};
          }};
}

}  // namespace verge::kernels::ops
