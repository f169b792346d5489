#pragma once
// Loops over the elements of a call of ops/, for what is as fast as memory when written plainly.
// Outputs may lie where an input of the same type lies.

#include <algorithm>

#include <verge/core/threads.hpp>
#include <verge/engine/kernels/call_shapes.hpp>

namespace verge::kernels {

constexpr int64_t kMapGrain = 64;  // floats: four cache lines, so that workers share none

/// out = f(x).
template <typename F>
void map_elements(const graph::KernelCall& call, Worker& worker, F f) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const float* x = f32(call, 0);
  float* out = f32_out(call);
  for (int64_t i = first; i < last; ++i) out[i] = f(x[i]);
}

/// out = f(x, y), both of one shape.
template <typename F>
void map_pairs(const graph::KernelCall& call, Worker& worker, F f) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const float *x = f32(call, 0), *y = f32(call, 1);
  float* out = f32_out(call);
  for (int64_t i = first; i < last; ++i) out[i] = f(x[i], y[i]);
}

/// Whether input 1 is f32 and repeats along the leading axes of input 0, or is its equal.
inline bool repeats_second(const graph::KernelCall& call) {
  if (!all_f32(call) || call.in(0).dtype != DType::F32 || call.in(1).dtype != DType::F32) {
    return false;
  }
  const auto x = call.in(0).shape.extents();
  auto y = call.in(1).shape.extents();
  if (call.in(0).shape != call.out().shape) return false;
  while (!y.empty() && y.front() == 1) y = y.subspan(1);
  return std::equal(y.rbegin(), y.rend(), x.rbegin(),
                    x.rbegin() + static_cast<std::ptrdiff_t>(y.size()));
}

/// body(count, x, y, out) for runs of the elements in which input 1 does not begin again.
template <typename Body>
void map_repeated(const graph::KernelCall& call, Worker& worker, Body body) {
  const int64_t period = call.in(1).shape.count();
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  for (int64_t at = first; at < last;) {
    const int64_t column = at % period;
    const int64_t count = std::min(period - column, last - at);
    body(count, f32(call, 0) + at, f32(call, 1) + column, f32_out(call) + at);
    at += count;
  }
}

}  // namespace verge::kernels
