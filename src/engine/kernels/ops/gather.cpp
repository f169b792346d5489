// Rows along an axis by their numbers, copied in runs of what lies behind the axis.

#include <algorithm>
#include <cstring>

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/gather_index.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return call.in(1).dtype == DType::I32 || call.in(1).dtype == DType::F64;
}

template <typename T>
void take(const graph::KernelCall& call, Worker& worker) {
  const Shape& x = call.in(0).shape;
  const int axis = graph::from_front(call.attrs.integer("axis"), static_cast<size_t>(x.rank()));
  const int64_t n = x[axis], picked = call.in(1).shape.count();
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  const int64_t bytes = bytes_of(call.in(0).dtype, inner);
  const auto* indices = call.in(1).as<T>();
  const auto [first, last] = worker.split(call.out().shape.count() / std::max<int64_t>(inner, 1));
  for (int64_t run = first; run < last; ++run) {
    const int64_t at = row_at(indices[run % picked], n);
    const auto* from = call.in(0).as<const std::byte>() + (run / picked * n + at) * bytes;
    auto* to = call.out().as<std::byte>() + run * bytes;
    if (bytes == sizeof(float)) {
      std::memcpy(to, from, sizeof(float));
    } else {
      std::memcpy(to, from, static_cast<size_t>(bytes));
    }
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (call.in(1).dtype == DType::F64) return take<double>(call, worker);
  take<int32_t>(call, worker);
}

}  // namespace

KernelDef gather() {
  return {.op = "gather", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
