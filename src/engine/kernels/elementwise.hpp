#pragma once
// Elementwise kernels, embedding lookups, and their gradients. Calling convention: gemm.hpp.
// Outputs may be inputs unless said otherwise. Gradients are written, not added, unless said so.

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/kernels/gemm.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// out = alpha * x; y = alpha * x + y. Both over n values.
void scale(Isa isa, int64_t n, float alpha, const float* x, float* out, Worker& worker);
void axpy(Isa isa, int64_t n, float alpha, const float* x, float* y, Worker& worker);

/// y = f(x) and dx = dy * f'(x). GELU: Hendrycks & Gimpel 2016, exact (erf) or by tanh.
void activate(Isa isa, Activation f, int64_t n, const float* x, float* y, Worker& worker);
void activate_backward(Isa isa, Activation f, int64_t n, const float* x, const float* dy, float* dx,
                       Worker& worker);

/// y[rows, n] = f(gate) * up: SwiGLU with Silu, GeGLU with GELU (Shazeer 2020). Strides are floats
/// from row to row, so gate and up may be halves of one product.
struct Gated {
  Activation f = Activation::Silu;
  int64_t rows = 0, n = 0;
  const float* gate = nullptr;
  int64_t gate_stride = 0;
  const float* up = nullptr;
  int64_t up_stride = 0;
};
void gated(Isa isa, const Gated& g, float* y, int64_t y_stride, Worker& worker);
/// d_gate and d_up have the strides of gate and up; null: not wanted.
void gated_backward(Isa isa, const Gated& g, const float* dy, int64_t dy_stride, float* d_gate,
                    float* d_up, Worker& worker);

/// out[i] = scale * table[ids[i]] for rows of n values stored as F32, F16, BF16 or Q8_0; ids must
/// be in the table.
void gather_rows(Isa isa, DType dtype, int64_t n, const void* table, const int32_t* ids,
                 int64_t count, float scale, float* out, Worker& worker);
/// d_table[ids[i]] += dy[i] for rows of n floats, in the order of i whatever the threads.
void scatter_add_rows(Isa isa, int64_t n, const int32_t* ids, int64_t count, const float* dy,
                      float* d_table, Worker& worker);

/// Adds x[rows, n] over its rows: sums[n] (+)= the bias gradient of a linear layer.
void sum_rows(Isa isa, int64_t rows, int64_t n, const float* x, int64_t x_stride, bool accumulate,
              float* sums, Worker& worker);

/// *result = sum of x^2, for norms and clipping. partials: [sum_of_squares_partials(n)]. The result
/// is there after this call on every worker (it syncs).
int64_t sum_of_squares_partials(int64_t n);
void sum_of_squares(Isa isa, int64_t n, const float* x, double* partials, double* result,
                    Worker& worker);

}  // namespace verge::kernels
