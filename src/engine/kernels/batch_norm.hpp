#pragma once
// Batch normalisation (Ioffe & Szegedy 2015) of x[batch, channels, area] over batch and area.
// Calling convention: gemm.hpp.

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

struct BatchNorm {
  int64_t batch = 0, channels = 0, area = 1;
  float epsilon = 1e-5f;
  float momentum = 0.1f;  // share of the new batch in the running statistics
  bool has_relu = false;  // in training, y = max(y, 0)
};

/// Training: y from the batch's own statistics, kept in mean and rstd [channels] for the gradient;
/// running_mean and running_variance (unbiased), unless null, move towards them.
void batch_norm(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                const float* bias, float* y, float* mean, float* rstd, float* running_mean,
                float* running_variance, Worker& worker);
/// dx (may be dy), d_weight and d_bias [channels] are written. With has_relu, what `bias` added
/// says where dy passes: exactly where batch_norm gave more than 0; it is not read without.
void batch_norm_backward(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                         const float* bias, const float* mean, const float* rstd, const float* dy,
                         float* dx, float* d_weight, float* d_bias, Worker& worker);

/// Frozen: y = (x - mean) / sqrt(variance + epsilon) * weight + bias with given statistics.
void batch_norm_frozen(Isa isa, const BatchNorm& norm, const float* x, const float* weight,
                       const float* bias, const float* mean, const float* variance, float* y,
                       Worker& worker);
/// Its gradient: dx = dy * weight / sqrt(variance + epsilon).
void batch_norm_frozen_backward(Isa isa, const BatchNorm& norm, const float* weight,
                                const float* variance, const float* dy, float* dx, Worker& worker);

}  // namespace verge::kernels
