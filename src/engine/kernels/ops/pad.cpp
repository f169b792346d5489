// A border of {value} around x: each row of the result is filled, or copied between two borders.

#include <algorithm>
#include <cstring>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).shape.rank() > 0;
}

// The row of x that this row of y holds, or -1.
int64_t source_row(const Shape& x, const Shape& y, const std::vector<int64_t>& before,
                   int64_t row) {
  int64_t at = 0, stride = 1;
  for (int axis = y.rank() - 2; axis >= 0; --axis) {
    const int64_t position = row % y[axis] - before[static_cast<size_t>(axis)];
    if (position < 0 || position >= x[axis]) return -1;
    at += position * stride;
    stride *= x[axis];
    row /= y[axis];
  }
  return at;
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  const auto& before = call.attrs.list("before");
  const auto value = static_cast<float>(call.attrs.real("value", 0));
  const auto [first, last] = worker.split(y.rows());
  for (int64_t row = first; row < last; ++row) {
    float* out = f32_out(call) + row * y.back();
    const int64_t source = source_row(x, y, before, row);
    std::fill_n(out, y.back(), value);
    if (source < 0) continue;
    std::memcpy(out + before.back(), f32(call, 0) + source * x.back(),
                static_cast<size_t>(x.back()) * sizeof(float));
  }
}

}  // namespace

KernelDef pad() {
  return {.op = "pad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
