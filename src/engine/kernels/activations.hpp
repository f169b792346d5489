#pragma once
// Activations as the matrix products read them: prepared once, used by every product with the
// same input (query, key and value; gate and up). What they become depends on the weights:
// 8-bit integers with a scale for every 32 values beside quantized weights, bfloat16 beside BF16,
// floats beside F32 and F16.
//
//   Activations x{activation_kind(DType::Q4_0), tokens, cols, memory};
//   pool.run([&](Worker& worker) {
//     prepare_activations(source, cols, x, worker, isa);   // memory: activation_bytes(...)
//     worker.sync();
//     matmul(products, x, worker, isa);
//   });

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

enum class ActivationKind : uint8_t { Int8, Float32, BFloat16 };

/// What weights of this type are multiplied with.
ActivationKind activation_kind(DType weights);

struct Activations {
  ActivationKind kind = ActivationKind::Int8;
  int64_t tokens = 0;
  int64_t cols = 0;
  void* data = nullptr;  // 64-byte aligned, activation_bytes(kind, tokens, cols)
};

int64_t activation_bytes(ActivationKind kind, int64_t tokens, int64_t cols);

/// Fills `out` from x [tokens, cols], whose rows are `stride` floats apart. Int8: scale d = max|x|
/// / 127 of each 32 values, q = x / d rounded to nearest even; a NaN or infinity makes its block
/// NaN. Called by every worker at the start of a phase; sync() before the result is used.
void prepare_activations(const float* x, int64_t stride, const Activations& out, Worker& worker,
                         Isa isa);
/// One token of it from its row x [cols], by the calling thread alone.
void prepare_token(const float* x, const Activations& out, int64_t token, Isa isa);

}  // namespace verge::kernels
