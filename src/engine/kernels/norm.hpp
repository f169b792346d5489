#pragma once
// Normalisations over the last dimension of x[rows, n], packed rows, with their gradients.
// Calling convention: gemm.hpp. y may be x in the forward kernels.

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// y = x * rstd * weight, rstd = 1 / sqrt(mean(x^2) + epsilon) (Zhang & Sennrich 2019).
/// weight [n] or null; rstd [rows] or null, kept for the gradient.
void rms_norm(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight, float epsilon,
              float* y, float* rstd, Worker& worker);
/// One row of it, by the calling thread alone; its rstd.
float rms_norm_row(Isa isa, int64_t n, const float* x, const float* weight, float epsilon,
                   float* y);
/// dx[rows, n], unless null, is written (dx may be dy); d_weight[n], unless null, is added to.
void rms_norm_backward(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                       const float* rstd, const float* dy, float* dx, float* d_weight,
                       Worker& worker);

/// y = (x - mean) * rstd * weight + bias (Ba et al. 2016). weight, bias, mean and rstd may be null.
void layer_norm(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                const float* bias, float epsilon, float* y, float* mean, float* rstd,
                Worker& worker);
void layer_norm_backward(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                         const float* mean, const float* rstd, const float* dy, float* dx,
                         float* d_weight, float* d_bias, Worker& worker);

/// y = softmax(x), and y = log(softmax(x)); y may be x.
void softmax(Isa isa, int64_t rows, int64_t n, const float* x, float* y, Worker& worker);
void log_softmax(Isa isa, int64_t rows, int64_t n, const float* x, float* y, Worker& worker);
/// dx = y * (dy - sum(dy * y)) for y = softmax(x).
void softmax_backward(Isa isa, int64_t rows, int64_t n, const float* y, const float* dy, float* dx,
                      Worker& worker);
/// dx = dy - e^y * sum(dy) for y = log(softmax(x)).
void log_softmax_backward(Isa isa, int64_t rows, int64_t n, const float* y, const float* dy,
                          float* dx, Worker& worker);

}  // namespace verge::kernels
