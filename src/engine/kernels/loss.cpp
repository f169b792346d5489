#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/loss.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {

void softmax_cross_entropy(Isa isa, int64_t rows, int64_t n, float* logits, const int32_t* targets,
                           float gradient_scale, float* losses, Worker& worker) {
  const RowKernels& kernels = row_kernels(isa);
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    float* x = logits + row * n;
    if (targets[row] < 0 || targets[row] >= n) {
      if (losses != nullptr) losses[row] = 0;
      if (gradient_scale != 0) std::fill_n(x, n, 0.0f);
      continue;
    }
    const float max = kernels.max(n, x);
    const float target = x[targets[row]];
    const float sum = gradient_scale == 0 ? kernels.sum_exp(n, max, x) : kernels.exp_sum(n, max, x);
    if (losses != nullptr) losses[row] = std::log(sum) + (max - target);
    if (gradient_scale == 0) continue;
    kernels.scale(n, gradient_scale / sum, x);
    x[targets[row]] -= gradient_scale;
  }
}

void mean_squared_error(int64_t rows, int64_t n, const float* x, const float* y, float* losses,
                        Worker& worker) {
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    double sum = 0;
    for (int64_t i = row * n; i < (row + 1) * n; ++i) {
      const double difference = double{x[i]} - y[i];
      sum += difference * difference;
    }
    losses[row] = static_cast<float>(sum / static_cast<double>(n));
  }
}

}  // namespace verge::kernels
