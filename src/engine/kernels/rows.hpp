#pragma once
// RowKernels: what is done to one row of floats, one table per instruction set. The public headers
// (norm.hpp, elementwise.hpp, attention.hpp, ...) say which rows. Internal to this module.

#include <cstdint>

#include <verge/core/dtype.hpp>
#include <verge/engine/kernels/gemm.hpp>

namespace verge::kernels {

constexpr int64_t kAdapterTile = 4;
constexpr int64_t kAdapterRanks = 4;

struct RowKernels {
  /// y = activation(y + bias + constant) + residual; bias and residual may be null.
  void (*epilogue)(int64_t n, float* y, const float* bias, float constant, Activation activation,
                   const float* residual);
  /// y = e^x; x may be y.
  void (*exp)(int64_t n, const float* x, float* y);
  float (*dot)(int64_t n, const float* x, const float* y);
  /// y = alpha * x + y.
  void (*axpy)(int64_t n, float alpha, const float* x, float* y);
  /// y = alpha * y.
  void (*scale)(int64_t n, float alpha, float* y);
  float (*max)(int64_t n, const float* x);  // -infinity for n = 0
  /// x = e^(x - shift); the sum of the results.
  float (*exp_sum)(int64_t n, float shift, float* x);
  /// The sum of e^(x - shift), x kept.
  float (*sum_exp)(int64_t n, float shift, const float* x);
  /// x = cap * tanh(x / cap).
  void (*soft_cap)(int64_t n, float cap, float* x);
  /// A row of n stored values to f32. Q8_0: n is a multiple of 32.
  void (*widen)(DType dtype, int64_t n, const void* stored, float* out);
  /// The reverse, rounded to nearest even; a Q8_0 block is scaled by its largest magnitude / 127.
  void (*narrow)(DType dtype, int64_t n, const float* x, void* stored);
  /// One kv head's part of decode attention: see attention.cpp. For `count` rows of keys
  /// (`row_bytes` apart, head_dim values each) scores[h * score_stride + t] = q[h] . k[t].
  void (*key_scores)(DType dtype, int64_t head_dim, int64_t heads, const float* q, int64_t count,
                     const void* keys, int64_t row_bytes, const void* next, float* scores,
                     int64_t score_stride);
  /// `next`, unless null, are rows that will be read afterwards.
  /// out[h] += sum_t weights[h * weight_stride + t] * v[t].
  void (*add_values)(DType dtype, int64_t head_dim, int64_t heads, const float* weights,
                     int64_t weight_stride, int64_t count, const void* values, int64_t row_bytes,
                     const void* next, float* out);
  /// A low-rank adapter shared by 1 to kAdapterTile rows: h[t][r] = scale * a[r] . x[t] for 1 to
  /// kAdapterRanks rows of a (`row_bytes` apart, n stored values each); then y[t] += sum_r h[t][r]
  /// * b[r] over n columns of `ranks` rows of b. No result depends on the rows beside it.
  void (*adapter_down)(DType dtype, int64_t n, int64_t rows, const float* const* x, int64_t ranks,
                       const void* a, int64_t row_bytes, float scale, float* const* h);
  void (*adapter_up)(DType dtype, int64_t n, int64_t rows, int64_t ranks, const float* const* h,
                     const void* b, int64_t row_bytes, float* const* y);
};

const RowKernels& row_kernels(Isa isa);

}  // namespace verge::kernels
