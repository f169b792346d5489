#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/rope.hpp>

namespace verge::kernels::ops {
namespace {

Rope rope_of(const graph::KernelCall& call) {
  const Shape& shape = call.in(0).shape;
  const int rank = shape.rank();
  Rope rope{.rows = shape.rows() / shape[rank - 2],
            .heads = shape[rank - 2],
            .head_dim = shape[rank - 1]};
  rope.pairs =
      call.attrs.text("pairs", "half") == "half" ? RopePairs::Halves : RopePairs::Interleaved;
  rope.dims = call.in(1).shape.back();
  rope.inverse = call.attrs.integer("inverse") != 0;
  return rope;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  copy_to_output(call, 0, worker);
  Rope whole = rope_of(call);
  const int64_t tokens = call.in(1).shape[0], batch = whole.rows / tokens;
  whole.rows = tokens;
  for (int64_t b = 0; b < batch; ++b) {
    float* x = call.out().as<float>() + b * tokens * whole.heads * whole.head_dim;
    rope(isa, whole, x, call.in(1).as<float>(), nullptr, worker);
  }
}

}  // namespace

KernelDef rope() {
  return {.op = "rope", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
