#pragma once
// gemm: C = activation(alpha * A B + beta * C + bias) + residual, for training and for prefill.
//
//   const Gemm product{.m = 1024, .n = 512, .k = 256, .a = {x, 256}, .b = {w, 256, true},
//                      .c = y, .c_stride = 512};
//   std::vector<std::byte> workspace(gemm_workspace_bytes(isa, product));
//   pool.run([&](Worker& worker) { gemm(isa, product, workspace.data(), worker); });
//
// Kernels of this module are called by every worker of a ThreadPool::run with the same arguments,
// right after a sync() (or at the start of the run); their result is there after the next sync(),
// which the caller makes. Results are the same bits for any number of workers.

#include <cstddef>
#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// Relu6 is min(max(x, 0), 6); Hsigmoid min(max(x / 6 + 1/2, 0), 1); Hswish x times that.
enum class Activation : uint8_t {
  None,
  Relu,
  Relu6,
  Silu,
  Sigmoid,
  Hswish,
  Hsigmoid,
  GeluTanh,
  GeluErf,
};

/// F32 keeps every bit; Bf16 rounds A and B to bf16 on the way in and sums in f32, at about twice
/// the speed where the processor multiplies bf16 and as F32 elsewhere.
enum class Compute : uint8_t { F32, Bf16 };

/// A matrix in memory: row-major with `stride` floats from row to row. With `transposed` the
/// operand of the product is the transpose of what is stored.
struct Operand {
  const float* data = nullptr;
  int64_t stride = 0;
  bool transposed = false;
};

struct Gemm {
  int64_t m = 0, n = 0, k = 0;  // C is [m, n], A [m, k], B [k, n]
  Operand a = {}, b = {};
  float* c = nullptr;
  int64_t c_stride = 0;
  float alpha = 1, beta = 0;        // beta = 0 does not read C
  const float* bias = nullptr;      // [n], added to every row
  const float* row_bias = nullptr;  // [m], added to every column
  Activation activation = Activation::None;
  const float* residual = nullptr;  // [m, n] with c_stride, added last; not C (use beta)
  Compute compute = Compute::F32;
};

/// Bytes of workspace, 64-byte aligned by the caller. Depends on m, n, k and compute only, and is
/// enough for every smaller product as well.
size_t gemm_workspace_bytes(Isa isa, const Gemm& product);

/// FLOPs: 2 m n k. k = 0 gives beta * C and the epilogue.
void gemm(Isa isa, const Gemm& product, void* workspace, Worker& worker);

/// The same by the calling thread alone.
void gemm(Isa isa, const Gemm& product, void* workspace);

}  // namespace verge::kernels
