// Axis i of y is axis {perm}[i] of x: rows of y are gathered, each at one stride.

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

int64_t stride_of(const Shape& shape, int64_t axis) {
  int64_t stride = 1;
  for (int i = static_cast<int>(axis) + 1; i < shape.rank(); ++i) stride *= shape[i];
  return stride;
}

bool are_levels(const graph::KernelCall& call) {
  return graph::is_level(call.in(0).dtype) && call.in(0).dtype == call.out().dtype;
}

bool supports(const graph::KernelCall& call) {
  return (all_f32(call) || are_levels(call)) && call.in(0).shape.rank() > 0;
}

template <typename T>
void move(const graph::KernelCall& call, Worker& worker) {
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
    const T* x = call.in(0).as<T>() + at;
    T* y = call.out().as<T>() + row * n;
    for (int64_t i = 0; i < n; ++i) y[i] = x[i * step];
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (are_levels(call)) return move<uint8_t>(call, worker);
  move<float>(call, worker);
}

}  // namespace

KernelDef transpose() {
  return {.op = "transpose", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
