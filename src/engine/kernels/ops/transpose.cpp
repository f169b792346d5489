// Axis i of y is axis {perm}[i] of x: rows of y are gathered, each at one stride.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

int64_t stride_of(const Shape& shape, int64_t axis) {
  int64_t stride = 1;
  for (int i = static_cast<int>(axis) + 1; i < shape.rank(); ++i) stride *= shape[i];
  return stride;
}

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).shape.rank() > 0;
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape &from = call.in(0).shape, &to = call.out().shape;
  const auto& perm = call.attrs.list("perm");
  const int64_t n = to.back(), step = stride_of(from, perm.back());
  const auto [first, last] = worker.split(to.rows());
  for (int64_t row = first; row < last; ++row) {
    int64_t rest = row, at = 0;
    for (int axis = to.rank() - 2; axis >= 0; --axis) {
      at += rest % to[axis] * stride_of(from, perm[static_cast<size_t>(axis)]);
      rest /= to[axis];
    }
    const float* x = f32(call, 0) + at;
    float* y = f32_out(call) + row * n;
    for (int64_t i = 0; i < n; ++i) y[i] = x[i * step];
  }
}

}  // namespace

KernelDef transpose() {
  return {.op = "transpose", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
