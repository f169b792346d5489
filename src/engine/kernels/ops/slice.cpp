// A range of one axis, copied in runs of what lies behind it.

#include <algorithm>

#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// A worker's share is of bytes, not of runs: along the first axis there is one run.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const TensorView &x = call.in(0), &y = call.out();
  const auto rank = static_cast<size_t>(x.shape.rank());
  const int axis = graph::from_front(call.attrs.integer("axis"), rank);
  const graph::AxisBlocks from = graph::axis_blocks(x, axis), to = graph::axis_blocks(y, axis);
  const int64_t start = call.attrs.integer("start") * from.inner_bytes;
  const auto [first, last] = worker.split(to.outer * to.outer_bytes, 64);
  for (int64_t at = first; at < last;) {
    const int64_t block = at / to.outer_bytes, inside = at % to.outer_bytes;
    const int64_t count = std::min(to.outer_bytes - inside, last - at);
    std::memcpy(y.as<std::byte>() + at,
                x.as<std::byte>() + block * from.outer_bytes + start + inside,
                static_cast<size_t>(count));
    at += count;
  }
}

}  // namespace

KernelDef slice() {
  return {.op = "slice", .run = run};
}

}  // namespace verge::kernels::ops
