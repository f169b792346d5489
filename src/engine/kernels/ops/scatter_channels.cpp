// Channels go back into a parameter, copied in runs of what lies behind the axis.

#include <algorithm>
#include <cstring>

#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return call.in(2).dtype == DType::I32;
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  copy_to_output(call, 0, worker);
  const Shape& p = call.in(0).shape;
  const int axis = graph::from_front(call.attrs.integer("axis"), static_cast<size_t>(p.rank()));
  const int64_t n = p[axis], channels = call.in(2).shape.count();
  int64_t inner = 1;
  for (int i = axis + 1; i < p.rank(); ++i) inner *= p[i];
  const int64_t bytes = bytes_of(call.in(0).dtype, inner);
  const auto* channel = call.in(2).as<int32_t>();
  const auto [first, last] = worker.split(call.in(1).shape.count() / std::max<int64_t>(inner, 1));
  for (int64_t run = first; run < last; ++run) {
    const int64_t at = channel[run % channels];
    if (at < 0 || at >= n) continue;
    std::memcpy(call.out().as<std::byte>() + (run / channels * n + at) * bytes,
                call.in(1).as<const std::byte>() + run * bytes, static_cast<size_t>(bytes));
  }
}

}  // namespace

KernelDef scatter_channels() {
  return {.op = "scatter_channels", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
