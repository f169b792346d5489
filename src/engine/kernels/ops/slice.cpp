// A range of one axis, copied in runs of what lies behind it.

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const Shape& shape = call.in(0).shape;
  const int64_t axis = call.attrs.integer("axis");
  const int at = static_cast<int>(axis < 0 ? axis + shape.rank() : axis);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < at; ++i) outer *= shape[i];
  for (int i = at + 1; i < shape.rank(); ++i) inner *= shape[i];
  const int64_t run_length = call.out().shape[at] * inner;
  const int64_t stride = shape[at] * inner, start = call.attrs.integer("start") * inner;
  const auto [first, last] = worker.split(outer);
  for (int64_t i = first; i < last; ++i) {
    std::memcpy(call.out().as<float>() + i * run_length,
                call.in(0).as<float>() + i * stride + start,
                static_cast<size_t>(run_length) * sizeof(float));
  }
}

}  // namespace

KernelDef slice() {
  return {.op = "slice", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
