#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/norm.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {
namespace {

struct Moments {
  const float* mean;  // null: 0
  const float* rstd;
  float mean_of(int64_t row) const { return mean == nullptr ? 0.0f : mean[row]; }
};

/// The common gradient; every worker owns some rows of dx and some columns of the weights'.
void norm_backward(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                   Moments moments, const float* dy, float centred, float* dx, float* d_weight,
                   float* d_bias, Worker& worker) {
  const ElementKernels& kernels = element_kernels(isa);
  const auto [from, to] = worker.split(n, 16);
  for (int64_t row = 0; row < rows && from < to; ++row) {
    const int64_t at = row * n + from;
    if (d_weight != nullptr) {
      kernels.weight_gradient(to - from, x + at, moments.mean_of(row), moments.rstd[row], dy + at,
                              d_weight + from);
    }
    if (d_bias != nullptr) row_kernels(isa).axpy(to - from, 1, dy + at, d_bias + from);
  }
  if (d_weight != nullptr || d_bias != nullptr) worker.sync();  // dx may be dy
  if (dx == nullptr) return;
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    kernels.normalize_backward(n, x + row * n, moments.mean_of(row), moments.rstd[row], weight,
                               dy + row * n, centred, dx + row * n);
  }
}

}  // namespace

float rms_norm_row(Isa isa, int64_t n, const float* x, const float* weight, float epsilon,
                   float* y) {
  const ElementKernels& kernels = element_kernels(isa);
  const float mean_square = kernels.sum_squares(n, x, 0) / static_cast<float>(n);
  const float inverse = 1.0f / std::sqrt(mean_square + epsilon);
  kernels.normalize(n, x, 0, inverse, weight, nullptr, y);
  return inverse;
}

void rms_norm(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight, float epsilon,
              float* y, float* rstd, Worker& worker) {
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    const float inverse = rms_norm_row(isa, n, x + row * n, weight, epsilon, y + row * n);
    if (rstd != nullptr) rstd[row] = inverse;
  }
}

void rms_norm_backward(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                       const float* rstd, const float* dy, float* dx, float* d_weight,
                       Worker& worker) {
  norm_backward(isa, rows, n, x, weight, {nullptr, rstd}, dy, 0, dx, d_weight, nullptr, worker);
}

void layer_norm(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                const float* bias, float epsilon, float* y, float* mean, float* rstd,
                Worker& worker) {
  const ElementKernels& kernels = element_kernels(isa);
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    const float* in = x + row * n;
    const float centre = kernels.sum(n, in) / static_cast<float>(n);
    const float variance = kernels.sum_squares(n, in, centre) / static_cast<float>(n);
    const float inverse = 1.0f / std::sqrt(variance + epsilon);
    kernels.normalize(n, in, centre, inverse, weight, bias, y + row * n);
    if (mean != nullptr) mean[row] = centre;
    if (rstd != nullptr) rstd[row] = inverse;
  }
}

void layer_norm_backward(Isa isa, int64_t rows, int64_t n, const float* x, const float* weight,
                         const float* mean, const float* rstd, const float* dy, float* dx,
                         float* d_weight, float* d_bias, Worker& worker) {
  norm_backward(isa, rows, n, x, weight, {mean, rstd}, dy, 1, dx, d_weight, d_bias, worker);
}

void softmax(Isa isa, int64_t rows, int64_t n, const float* x, float* y, Worker& worker) {
  const RowKernels& kernels = row_kernels(isa);
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    float* out = y + row * n;
    const float max = kernels.max(n, x + row * n);
    if (x != y) std::copy_n(x + row * n, n, out);
    kernels.scale(n, 1.0f / kernels.exp_sum(n, max, out), out);
  }
}

void log_softmax(Isa isa, int64_t rows, int64_t n, const float* x, float* y, Worker& worker) {
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    const float* in = x + row * n;
    const float max = row_kernels(isa).max(n, in);
    const float shift = max + std::log(row_kernels(isa).sum_exp(n, max, in));
    element_kernels(isa).normalize(n, in, shift, 1, nullptr, nullptr, y + row * n);
  }
}

void softmax_backward(Isa isa, int64_t rows, int64_t n, const float* y, const float* dy, float* dx,
                      Worker& worker) {
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    const float along = row_kernels(isa).dot(n, y + row * n, dy + row * n);
    element_kernels(isa).softmax_gradient(n, y + row * n, dy + row * n, along, dx + row * n);
  }
}

// The exponentials of a piece at a time stand beside the inputs, either of which dx may be.
void log_softmax_backward(Isa isa, int64_t rows, int64_t n, const float* y, const float* dy,
                          float* dx, Worker& worker) {
  constexpr int64_t kPiece = 256;
  float p[kPiece];
  const auto [first, last] = worker.split(rows);
  for (int64_t row = first; row < last; ++row) {
    const float sum = element_kernels(isa).sum(n, dy + row * n);
    for (int64_t at = row * n; at < (row + 1) * n; at += kPiece) {
      const int64_t count = std::min(kPiece, (row + 1) * n - at);
      row_kernels(isa).exp(count, y + at, p);
      element_kernels(isa).combine(count, 1, dy + at, -sum, p, 0, dx + at);
    }
  }
}

}  // namespace verge::kernels
