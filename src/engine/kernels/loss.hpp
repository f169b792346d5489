#pragma once
// Losses that leave the gradient where their input was. Calling convention: gemm.hpp.

#include <cstdint>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// losses[r] = log(sum e^x) - x[target] for logits x[rows, n], and, with `gradient_scale` other
/// than 0, logits become gradient_scale * (softmax(x) - one_hot(target)); usually 1 / rows. A row
/// whose target is negative counts for nothing: loss and gradient 0. losses may be null.
void softmax_cross_entropy(Isa isa, int64_t rows, int64_t n, float* logits, const int32_t* targets,
                           float gradient_scale, float* losses, Worker& worker);

/// losses[r] = mean over n of (x - y)^2 for x, y [rows, n].
void mean_squared_error(int64_t rows, int64_t n, const float* x, const float* y, float* losses,
                        Worker& worker);

}  // namespace verge::kernels
