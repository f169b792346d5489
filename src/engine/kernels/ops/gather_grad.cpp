// Rows of a gradient added to the rows they were taken from, always in the same order.

#include <algorithm>

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/gather_index.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  const DType indices = call.in(0).dtype;
  return (indices == DType::I32 || indices == DType::F64) && call.in(1).dtype == DType::F32 &&
         call.out().dtype == DType::F32;
}

// Workers share what lies before the axis or, where that is little, what lies behind it.
template <typename T>
void add_rows(const graph::KernelCall& call, Worker& worker) {
  const Shape& x = call.out().shape;
  const int axis = graph::from_front(call.attrs.integer("axis"), static_cast<size_t>(x.rank()));
  const int64_t n = x[axis], picked = call.in(0).shape.count();
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= x[i];
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  const auto* indices = call.in(0).as<T>();
  const bool by_outer = outer >= inner;
  const auto [first, last] = worker.split(by_outer ? outer : inner, by_outer ? 1 : 16);
  const int64_t from = by_outer ? 0 : first, to = by_outer ? inner : last;
  for (int64_t i = by_outer ? first : 0; i < (by_outer ? last : outer); ++i) {
    for (int64_t j = 0; j < picked; ++j) {
      const float* dy = f32(call, 1) + (i * picked + j) * inner;
      float* dx = f32_out(call) + (i * n + row_at(indices[j], n)) * inner;
      for (int64_t k = from; k < to; ++k) dx[k] += dy[k];
    }
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  clear_output(call, 0, worker);
  worker.sync();
  if (call.in(0).dtype == DType::F64) return add_rows<double>(call, worker);
  add_rows<int32_t>(call, worker);
}

}  // namespace

KernelDef gather_grad() {
  return {.op = "gather_grad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
