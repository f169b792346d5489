#include <algorithm>
#include <cmath>

#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kGrain = 64;            // floats: four cache lines, so that workers share none
constexpr int64_t kPartialLength = 4096;  // short enough for f32 sums to be exact to 1e-6

// For values whose squares are beyond f32.
double squares_in_doubles(int64_t n, const float* x) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double{x[i]} * x[i];
  return sum;
}

}  // namespace

void scale(Isa isa, int64_t n, float alpha, const float* x, float* out, Worker& worker) {
  const auto [first, last] = worker.split(n, kGrain);
  element_kernels(isa).scale(last - first, alpha, x + first, out + first);
}

void axpy(Isa isa, int64_t n, float alpha, const float* x, float* y, Worker& worker) {
  const auto [first, last] = worker.split(n, kGrain);
  row_kernels(isa).axpy(last - first, alpha, x + first, y + first);
}

void activate(Isa isa, Activation f, int64_t n, const float* x, float* y, Worker& worker) {
  const auto [first, last] = worker.split(n, kGrain);
  element_kernels(isa).activate(f, last - first, x + first, y + first);
}

void activate_backward(Isa isa, Activation f, int64_t n, const float* x, const float* dy, float* dx,
                       Worker& worker) {
  const auto [first, last] = worker.split(n, kGrain);
  element_kernels(isa).activate_backward(f, last - first, x + first, dy + first, dx + first);
}

// A single row (decode) is split along n, many rows are split by rows.
void gated(Isa isa, const Gated& g, float* y, int64_t y_stride, Worker& worker) {
  const auto [first, last] = worker.split(g.rows * g.n, kGrain);
  for (int64_t at = first; at < last;) {
    const int64_t row = at / g.n;
    const int64_t column = at % g.n;
    const int64_t count = std::min(g.n - column, last - at);
    element_kernels(isa).gate(g.f, count, g.gate + row * g.gate_stride + column,
                              g.up + row * g.up_stride + column, y + row * y_stride + column);
    at += count;
  }
}

void gated_backward(Isa isa, const Gated& g, const float* dy, int64_t dy_stride, float* d_gate,
                    float* d_up, Worker& worker) {
  const auto [first, last] = worker.split(g.rows);
  for (int64_t row = first; row < last; ++row) {
    const int64_t gate_at = row * g.gate_stride;
    const int64_t up_at = row * g.up_stride;
    element_kernels(isa).gate_backward(
        g.f, g.n, g.gate + gate_at, g.up + up_at, dy + row * dy_stride,
        d_gate == nullptr ? nullptr : d_gate + gate_at, d_up == nullptr ? nullptr : d_up + up_at);
  }
}

void gather_rows(Isa isa, DType dtype, int64_t n, const void* table, const int32_t* ids,
                 int64_t count, float scale, float* out, Worker& worker) {
  const int64_t row_bytes = bytes_of(dtype, n);
  const auto [first, last] = worker.split(count);
  for (int64_t i = first; i < last; ++i) {
    const auto* row = static_cast<const std::byte*>(table) + ids[i] * row_bytes;
    row_kernels(isa).widen(dtype, n, row, out + i * n);
    if (scale != 1) row_kernels(isa).scale(n, scale, out + i * n);
  }
}

void scatter_add_rows(Isa isa, int64_t n, const int32_t* ids, int64_t count, const float* dy,
                      float* d_table, Worker& worker) {
  const auto [first, last] = worker.split(n, 16);
  for (int64_t i = 0; i < count && first < last; ++i) {
    row_kernels(isa).axpy(last - first, 1, dy + i * n + first, d_table + ids[i] * n + first);
  }
}

void sum_rows(Isa isa, int64_t rows, int64_t n, const float* x, int64_t x_stride, bool accumulate,
              float* sums, Worker& worker) {
  const auto [first, last] = worker.split(n, 16);
  if (!accumulate) std::fill(sums + first, sums + last, 0.0f);
  for (int64_t row = 0; row < rows && first < last; ++row) {
    row_kernels(isa).axpy(last - first, 1, x + row * x_stride + first, sums + first);
  }
}

int64_t sum_of_squares_partials(int64_t n) {
  return (n + kPartialLength - 1) / kPartialLength;
}

void sum_of_squares(Isa isa, int64_t n, const float* x, double* partials, double* result,
                    Worker& worker) {
  const int64_t parts = sum_of_squares_partials(n);
  const auto [first, last] = worker.split(parts);
  for (int64_t i = first; i < last; ++i) {
    const int64_t at = i * kPartialLength;
    const int64_t count = std::min(kPartialLength, n - at);
    partials[i] = element_kernels(isa).sum_squares(count, x + at, 0);
    if (!std::isfinite(partials[i])) partials[i] = squares_in_doubles(count, x + at);
  }
  worker.sync();
  if (worker.index() == 0) {
    double total = 0;
    for (int64_t i = 0; i < parts; ++i) total += partials[i];
    *result = total;
  }
  worker.sync();
}

}  // namespace verge::kernels
