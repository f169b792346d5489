// The inputs one after the other along {axis}, copied in runs of the axis and what lies behind it.

#include <algorithm>

#include <verge/engine/graph/axis_blocks.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// A worker's share is of bytes, not of runs: along the first axis there is one run.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const TensorView& y = call.out();
  const auto rank = static_cast<size_t>(y.shape.rank());
  const int axis = graph::from_front(call.attrs.integer("axis"), rank);
  const int64_t stride = graph::axis_blocks(y, axis).outer_bytes;
  int64_t start = 0;
  for (const TensorView& x : call.inputs) {
    const graph::AxisBlocks from = graph::axis_blocks(x, axis);
    const auto [first, last] = worker.split(from.outer * from.outer_bytes, 64);
    for (int64_t at = first; at < last;) {
      const int64_t block = at / from.outer_bytes, inside = at % from.outer_bytes;
      const int64_t count = std::min(from.outer_bytes - inside, last - at);
      std::memcpy(y.as<std::byte>() + block * stride + start + inside, x.as<std::byte>() + at,
                  static_cast<size_t>(count));
      at += count;
    }
    start += from.outer_bytes;
  }
}

}  // namespace

KernelDef concat() {
  return {.op = "concat", .run = run};
}

}  // namespace verge::kernels::ops
